// The hierarchy as a picture and as a table: who stands below whom, where each box lies, what may be done to a CA. Plain functions, tested without a browser.
import { type Item, related, text } from "../api/rest";

export interface Node {
  id: string;
  ca: Item;
  level: number;
  children: Node[];
}

/** The trees of a tenant, roots first as the list has them. Whose parent isn't among them, or is below it, is a root here. */
export function treesOf(cas: readonly Item[]): Node[] {
  const nodes = new Map<string, Node>(cas.map((ca) => [ca.id, { id: ca.id, ca, level: 0, children: [] }]));
  const roots: Node[] = [];
  const isBelow = (id: string, of: string): boolean => {
    const seen = new Set<string>();
    for (let at: string | null = id; at && !seen.has(at); at = related(nodes.get(at)?.ca, "parent")) {
      seen.add(at);
      if (at === of) {
        return true;
      }
    }
    return false;
  };
  for (const node of nodes.values()) {
    const parent = related(node.ca, "parent");
    const above = parent ? nodes.get(parent) : undefined;
    if (above && parent && !isBelow(parent, node.id)) {
      above.children.push(node);
    } else {
      roots.push(node);
    }
  }
  const rank = (node: Node, level: number) => {
    node.level = level;
    node.children.forEach((child) => rank(child, level + 1));
  };
  roots.forEach((root) => rank(root, 0));
  return roots;
}

/** Top down, each before what is below it; nothing of what is folded. */
export function rowsOf(trees: readonly Node[], folded: ReadonlySet<string> = new Set()): Node[] {
  return trees.flatMap((node) => [node, ...(folded.has(node.id) ? [] : rowsOf(node.children, folded))]);
}

export const BOX = { width: 208, height: 64, across: 72, down: 20, margin: 12 };

export interface Place {
  node: Node;
  x: number;
  y: number;
}
export interface Line {
  from: string;
  to: string;
  path: string;
  cross: boolean;
}
export interface Picture {
  places: Place[];
  lines: Line[];
  width: number;
  height: number;
}

/** Roots to the left, each row for one that has nobody below it; who has stands in the middle of them. crosses: signer and subject of cross-certificates. */
export function layout(trees: readonly Node[], crosses: readonly { signer: string; subject: string }[] = []): Picture {
  const places = new Map<string, Place>();
  let row = 0;
  let deepest = 0;
  const put = (node: Node): number => {
    deepest = Math.max(deepest, node.level);
    const rows = node.children.map(put);
    const first = rows[0];
    const last = rows[rows.length - 1];
    const mine = first === undefined || last === undefined ? row++ : (first + last) / 2;
    places.set(node.id, {
      node,
      x: BOX.margin + node.level * (BOX.width + BOX.across),
      y: BOX.margin + mine * (BOX.height + BOX.down),
    });
    return mine;
  };
  trees.forEach(put);
  const lines: Line[] = [];
  const connect = (from: string, to: string, cross: boolean) => {
    const a = places.get(from);
    const b = places.get(to);
    if (!a || !b || from === to) {
      return;
    }
    lines.push({ from, to, cross, path: cross ? bow(a, b) : curve(a, b) });
  };
  for (const place of places.values()) {
    place.node.children.forEach((child) => connect(place.node.id, child.id, false));
  }
  const drawn = new Set<string>();
  for (const { signer, subject } of crosses) {
    if (!drawn.has(`${signer} ${subject}`)) {
      drawn.add(`${signer} ${subject}`);
      connect(signer, subject, true);
    }
  }
  return {
    places: [...places.values()],
    lines,
    width: 2 * BOX.margin + (deepest + 1) * BOX.width + deepest * BOX.across,
    height: 2 * BOX.margin + Math.max(1, row) * BOX.height + Math.max(0, row - 1) * BOX.down,
  };
}

/** From the right side of one box to the left side of the other. */
function curve(a: Place, b: Place): string {
  const [x1, y1, x2, y2] = [a.x + BOX.width, a.y + BOX.height / 2, b.x, b.y + BOX.height / 2];
  const half = (x1 + x2) / 2;
  return `M${x1} ${y1} C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
}

/** Between boxes that may stand anywhere: from below the one to above the other, or the other way round. */
function bow(a: Place, b: Place): string {
  const down = b.y >= a.y;
  const [x1, y1] = [a.x + BOX.width / 2 + 16, a.y + (down ? BOX.height : 0)];
  const [x2, y2] = [b.x + BOX.width / 2 + 16, b.y + (down ? 0 : BOX.height)];
  if (Math.abs(b.y - a.y) < 1) {
    return `M${x1} ${a.y + BOX.height} Q${(x1 + x2) / 2} ${a.y + BOX.height + BOX.down} ${x2} ${b.y + BOX.height}`;
  }
  return `M${x1} ${y1} L${x2} ${y2}`;
}

export const CA_ACTIONS = ["subordinate", "install", "renew", "rollover", "cross", "makeDefault", "disable", "enable", "retire", "revoke", "remove"] as const;
export type CaAction = (typeof CA_ACTIONS)[number];

/** What can be done to a CA as it stands (doc/hierarchies.md). */
export function actionsOf(ca: Item): CaAction[] {
  const status = text(ca, "status");
  const isRoot = !related(ca, "parent") && ca.attributes.external !== true;
  const issues = status === "active" || status === "offline";
  const can: Record<CaAction, boolean> = {
    subordinate: issues,
    install: ca.attributes.external === true && (status === "pending" || text(ca, "csr") !== ""),
    renew: issues || status === "disabled",
    rollover: issues,
    cross: issues,
    makeDefault: status === "active" && ca.attributes.is_default !== true,
    disable: issues,
    enable: status === "disabled",
    retire: issues || status === "disabled" || status === "superseded",
    revoke: (issues || status === "disabled" || status === "superseded") && !isRoot,
    remove: status === "pending",
  };
  return CA_ACTIONS.filter((action) => can[action]);
}

const DAY = 86_400_000;

/** Whether somebody has to do something soon: a fifth of its life is left, or a year of a long one. */
export function endsSoon(ca: Item, now = Date.now()): boolean {
  const from = Date.parse(text(ca, "not_before"));
  const to = Date.parse(text(ca, "not_after"));
  if (Number.isNaN(to) || !["active", "offline", "disabled"].includes(text(ca, "status"))) {
    return false;
  }
  return to - now < Math.min(365 * DAY, Number.isNaN(from) ? 365 * DAY : (to - from) / 5);
}

export interface NewCa {
  kind: "root" | "below" | "external";
  parent: string;
  cn: string;
  o: string;
  c: string;
  name: string;
  profile: string;
  keyType: string;
  keyStore: string;
  days: string;
  baseUrl: string;
  isDefault: boolean;
  offline: boolean;
}

/** A name for applications of one for people: "Plant 2 Issuing CA" → "plant-2-issuing-ca". */
export function nameOf(cn: string): string {
  return cn
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/ß/g, "ss")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
}

/** The attributes of POST /cas: what was left empty isn't in it, so that the engine's own choice holds. */
export function attributesOfCa(w: NewCa): Record<string, unknown> {
  const subject = [["CN", w.cn.trim()]];
  if (w.o.trim()) {
    subject.push(["O", w.o.trim()]);
  }
  if (w.c.trim()) {
    subject.push(["C", w.c.trim().toUpperCase()]);
  }
  const all: Record<string, unknown> = { name: w.name.trim() || nameOf(w.cn), subject };
  if (w.kind === "below") {
    all.parent = w.parent;
  }
  if (w.kind === "external") {
    all.external = true;
  }
  if (w.kind === "root") {
    all.offline = w.offline;
  }
  const put = (name: string, value: string) => {
    if (value.trim()) {
      all[name] = value.trim();
    }
  };
  put("profile", w.kind === "external" ? "" : w.profile);
  put("key_type", w.keyType);
  put("key_store", w.keyStore);
  put("base_url", w.baseUrl);
  if (w.days.trim() && w.kind !== "external") {
    all.days = Number(w.days);
  }
  if (w.isDefault) {
    all.is_default = true;
  }
  return all;
}

export type NewCaFault = "nameNone" | "nameWrong" | "cWrong" | "daysWrong";

/** What of that which was typed can't be so, by field: said at the field, for a button that only can't be pressed says nothing. */
export function newCaFaults(w: NewCa): { name?: NewCaFault; c?: NewCaFault; days?: NewCaFault } {
  const faults: { name?: NewCaFault; c?: NewCaFault; days?: NewCaFault } = {};
  if (w.name.trim() !== "" && !/^[a-z0-9][a-z0-9-]*$/.test(w.name.trim())) {
    faults.name = "nameWrong";
  } else if (w.name.trim() === "" && w.cn.trim() !== "" && nameOf(w.cn) === "") {
    faults.name = "nameNone";
  }
  if (!/^([A-Za-z]{2})?$/.test(w.c.trim())) {
    faults.c = "cWrong";
  }
  if (w.days.trim() !== "" && !/^[1-9][0-9]*$/.test(w.days.trim())) {
    faults.days = "daysWrong";
  }
  return faults;
}

/** What is missing before a step can be left: 0 the place, 1 the name, 2 the key. */
export function stepReady(w: NewCa, step: number): boolean {
  const faults = newCaFaults(w);
  switch (step) {
    case 0:
      return w.kind !== "below" || w.parent !== "";
    case 1:
      return w.cn.trim() !== "" && !faults.name && !faults.c;
    default:
      return w.kind === "external" || !faults.days;
  }
}

/** The step whose fields have what the server refused, by the pointers of its errors; null when none has. */
export function stepOfError(pointers: readonly (string | undefined)[]): number | null {
  const steps = [["parent"], ["subject", "name"], ["profile", "key_type", "key_store", "days", "base_url", "is_default", "offline"]];
  for (const pointer of pointers) {
    const at = steps.findIndex((fields) => fields.includes(/^\/data\/attributes\/([a-z_]+)/.exec(pointer ?? "")?.[1] ?? ""));
    if (at >= 0) {
      return at;
    }
  }
  return null;
}
