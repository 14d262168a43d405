import { Modal as Dialog, type ModalProps } from "@patternfly/react-core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

/** PatternFly calls the cross "Close" in every language, and takes no other word. */
function Cross() {
  const { t } = useTranslation();
  const here = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    here.current?.closest(".pf-v6-c-modal-box")?.querySelector(".pf-v6-c-modal-box__close > button")?.setAttribute("aria-label", t("common.close"));
  });
  return <span ref={here} hidden />;
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
