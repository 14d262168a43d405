// Key stores.
const words = {
  title: "Keys and tokens",
  subtitle: "Where the keys of your CAs lie, and whether they can be used",
  loading: "Loading…",
  files: "Encrypted files",
  works: "Works",
  fails: "Doesn't work",
  absent: "Isn't there",
  why: "Why it can't be used",
  kind: "Kind",
  token: "Token or HSM (PKCS#11)",
  encrypted: "Files, encrypted under a master key",
  default: "Takes keys when no place is named",
  yes: "Yes",
  no: "No",
  maker: "Maker",
  serial: "Serial number",
  cas: "CAs with their key here",
  types_one: "{{count}} type of key that it makes",
  types_other: "{{count}} types of keys that it makes",
  rotate: "New sealing key",
  rotateTitle: "Make a new sealing key in {{name}}?",
  rotateText: "Secrets that are kept from now on are sealed under a new key of the token. Older ones stay, to open what was sealed before. Back the token up afterwards.",
  rotated: "There is a new sealing key. Back the token up now",
};

export default words;
