import { Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { checkExport } from "../../api/certificates";

/** The browser fetches the file by itself: it may be larger than what fits into memory. */
function fetchFile(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}

export function useExport() {
  return useMutation({
    mutationFn: async (address: string) => {
      await checkExport(address);
      fetchFile(address);
    },
  });
}

export function Export({ onChoose, isDisabled }: { onChoose: (format: "csv" | "json") => void; isDisabled: boolean }) {
  const { t } = useTranslation("inventory");
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      toggle={(ref) => (
        <MenuToggle ref={ref} onClick={() => setOpen(!open)} isExpanded={open} isDisabled={isDisabled}>
          {t("export.button")}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {(["csv", "json"] as const).map((format) => (
          <DropdownItem key={format} description={t("export.text")} onClick={() => onChoose(format)}>
            {t(`export.${format}`)}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
