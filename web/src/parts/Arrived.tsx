import type { ReactNode } from "react";
import { useArrival } from "./head";

/** What came of what was pressed: it has the focus, for the button often isn't there any more. */
export function Arrived({ children, className = "" }: { children: ReactNode; className?: string }) {
  const here = useArrival<HTMLDivElement>();
  return (
    <div ref={here} tabIndex={-1} className={`siegel-arrived ${className}`}>
      {children}
    </div>
  );
}
