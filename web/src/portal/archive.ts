// What was made, as files: one archive with a list that people can read.
import { strToU8, zipSync } from "fflate";
import { csvCell, fileName } from "../format";
import { bytesOfBase64 } from "../parts/download";

export interface Made {
  n: number;
  name: string;
  certificate: string;
  serial: string;
  not_after: string;
  pem: string;
  chain_pem: string;
  private_key_pem?: string;
  pkcs12?: string;
}

export interface ListWords {
  listName: string;
  listHead: string;
  readme: string;
  readmeText: string;
}

/** The files of one: a number before the name keeps those apart whose names are alike to a file system. */
export function filesOf(one: Made, numbered: boolean): Record<string, Uint8Array> {
  const name = (ending: string) => (numbered ? `${String(one.n).padStart(4, "0")}-` : "") + fileName(one.name || "device", ending);
  if (one.pkcs12) {
    return { [name("p12")]: bytesOfBase64(one.pkcs12) };
  }
  const files: Record<string, Uint8Array> = { [name("pem")]: strToU8(one.pem), [name("chain.pem")]: strToU8(one.chain_pem) };
  if (one.private_key_pem) {
    files[name("key.pem")] = strToU8(one.private_key_pem);
  }
  return files;
}

export function listOf(all: Made[], head: string): string {
  const rows = all.map((one) => [String(one.n), one.name, one.serial.toUpperCase(), one.not_after.slice(0, 10), Object.keys(filesOf(one, true)).join(" ")]);
  return `\uFEFF${[head, ...rows.map((r) => r.map(csvCell).join(";"))].join("\r\n")}\r\n`;
}

export function archiveOf(all: Made[], words: ListWords): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = { [words.listName]: strToU8(listOf(all, words.listHead)), [words.readme]: strToU8(words.readmeText) };
  for (const one of all) {
    Object.assign(files, filesOf(one, true));
  }
  return zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>;
}
