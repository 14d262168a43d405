import { useState } from "react";
import { type Column, columnsOf, FIRST_COLUMNS } from "../inventory";

const STORED = "siegel.columns";

function storedColumns(): Column[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(STORED) ?? "null");
    return Array.isArray(names) ? columnsOf(names.filter((n): n is string => typeof n === "string")) : FIRST_COLUMNS;
  } catch {
    return FIRST_COLUMNS;
  }
}

/** Those of the address, else those that this browser keeps. */
export function useColumns(address: URLSearchParams, setAddress: (to: URLSearchParams) => void): [Column[], (columns: Column[]) => void] {
  const [kept, setKept] = useState(storedColumns);
  const said = address.get("columns");
  const choose = (columns: Column[]) => {
    try {
      localStorage.setItem(STORED, JSON.stringify(columns));
    } catch {
      // without storage it holds for this page
    }
    setKept(columns);
    if (said) {
      const to = new URLSearchParams(address);
      to.delete("columns");
      setAddress(to);
    }
  };
  return [said ? columnsOf(said.split(",")) : kept, choose];
}
