// The state of a generated form: what is typed, what is wrong with it, and what became of sending it.
import { useState } from "react";
import { ApiError } from "../api/client";
import { useChange } from "../api/hooks";
import type { Outcome, Query } from "../api/rest";
import { carryOut, type Sending } from "./api";
import { check, documentOf, errorsAt, type Typed, type Values, valuesOf, type Wrong } from "./typed";
import { fieldsFor, type Operation, type Thing, USUAL } from "./model";
import { type Speaker, useWords } from "./words";

function textOf(wrong: Wrong, words: Speaker, required: string): string {
  return wrong.wrong === "json" ? words.t("screen.jsonWrong", { why: wrong.why ?? "" }) : wrong.wrong === "number" ? words.t("screen.numberWrong") : required;
}

interface Options {
  operation: Operation;
  /** What is changed, or acted on. */
  thing?: Thing;
  labels?: Record<string, string>;
  etag?: string | null;
  onOutcome: (outcome: Outcome<Thing>) => void;
}

export function useForm({ operation, thing, labels, etag, onOutcome }: Options) {
  const words = useWords();
  const base = words.t("common.required", { ns: "base" });
  const all = operation.fields ?? {};
  const update = operation.method === "PATCH";
  const [before] = useState<Values>(() => ({ ...valuesOf(all, update ? thing : undefined, labels), ...(operation.method === "POST" && !thing && USUAL[operation.type ?? ""]) }));
  const [values, setValues] = useState<Values>(before);
  const fields = fieldsFor(operation, values);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [file, setFile] = useState<File | null>(null);
  const sending = useChange((what: Sending) => carryOut(operation, what), onOutcome);
  const change = (name: string, value: Typed) => {
    setValues((old) => ({ ...old, [name]: value }));
    setWrong(({ [name]: _, ...rest }) => rest);
  };
  const checked = check(fields, values, update ? before : undefined);
  const unchanged = update && Object.keys(checked.attributes).length + Object.keys(checked.relationships).length + Object.keys(checked.wrong).length === 0;
  const submit = () => {
    const found = Object.entries(checked.wrong).map(([name, one]) => [name, textOf(one, words, base)]);
    if (operation.raw && !file) {
      found.push(["file", words.t("screen.fileWanted")]);
    }
    setWrong(Object.fromEntries(found));
    if (found.length > 0) {
      sending.reset();
      return;
    }
    const what: Sending = { id: thing?.id, etag };
    if (operation.raw) {
      what.file = file ?? undefined;
      what.query = checked.attributes as Query;
    } else if (operation.type && (operation.method !== "POST" || !operation.path.includes("{id}") || Object.keys(checked.attributes).length > 0)) {
      what.document = documentOf(operation, checked, thing);
    }
    sending.mutate(what, { onError: (error) => setWrong(error instanceof ApiError ? errorsAt(error, fields) : {}) });
  };
  return { fields, values, change, wrong, file, setFile, submit, unchanged, sending };
}
