import qrcode from "qrcode-generator";

/** The dark squares of a QR code as one path; made here, so that no secret goes to anybody. */
export function pathOf(text: string): { path: string; size: number } {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (code.isDark(y, x)) {
        path += `M${x + 4} ${y + 4}h1v1h-1z`;
      }
    }
  }
  return { path, size: size + 8 };
}

export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = pathOf(text);
  return (
    <svg className="siegel-qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
