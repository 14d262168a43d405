import { Modal as Dialog, type ModalProps } from "@patternfly/react-core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

/** PatternFly calls the cross "Close" in every language, and takes no other word. Nothing is drawn: what follows the cross has room left for it. */
function Cross() {
  const { t } = useTranslation();
  useEffect(() => {
    for (const cross of document.querySelectorAll(".pf-v6-c-modal-box__close > button")) {
      cross.setAttribute("aria-label", t("common.close"));
    }
  });
  return null;
}

/** A dialog, in the page's language. */
export function Modal({ children, ...rest }: Omit<ModalProps, "ref">) {
  return (
    <Dialog {...rest}>
      <Cross />
      {children}
    </Dialog>
  );
}
