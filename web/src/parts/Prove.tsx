import { Button, Content, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { useSession, useSetSession } from "../api/session";
import { FactorForm } from "../screens/SignIn";
import { Modal } from "./Modal";

/** "Is it still you?", asked over whatever somebody does; what he did goes on by itself. */
export default function Prove({ onDone }: { onDone: (proved: boolean) => void }) {
  const { t } = useTranslation("access");
  const session = useSession().data;
  const setSession = useSetSession();
  return (
    <Modal isOpen variant="small" onClose={() => onDone(false)} aria-labelledby="prove-title" aria-describedby="prove-body">
      <ModalHeader title={t("proveTitle")} labelId="prove-title" />
      <ModalBody id="prove-body">
        <Content component="p">{t("proveDoing")}</Content>
        {session && (
          <FactorForm
            session={session}
            onSession={(now) => {
              setSession(now);
              onDone(true);
            }}
          />
        )}
      </ModalBody>
      <ModalFooter>
        <Button variant="link" onClick={() => onDone(false)}>
          {t("cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
