import { useEffect, useState } from "react";
import { useCertificates } from "../../api/certificates";
import { queryOf } from "../inventory";

/** The page of certificates that the address asks for, and the way through those before and behind it. */
export function useList(address: URLSearchParams) {
  const [cursors, setCursors] = useState<string[]>([]);
  const [looked, setLooked] = useState(0); // parts of the list without anything in them, since the last page
  const [stopped, setStopped] = useState(false);
  const page = useCertificates(queryOf(address, cursors.at(-1) ?? null));
  const rows = page.data?.data ?? [];
  const next = page.data?.next ?? null;
  const looking = Boolean(page.data && !page.isPlaceholderData && rows.length === 0 && next && !stopped);
  useEffect(() => {
    // A part of a long list that has nothing: the next part takes its place, until something is found or somebody has had enough.
    if (looking && next) {
      setLooked((n) => n + 1);
      setCursors((all) => [...all.slice(0, -1), next]);
    }
  }, [looking, next]);
  const turn = (to: string[]) => {
    setCursors(to);
    setLooked(0);
    setStopped(false);
  };
  return { page, rows, next, cursors, looking, looked, turn, begin: () => turn([]), stop: () => setStopped(true), goOn: () => setStopped(false) };
}
