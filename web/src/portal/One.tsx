import { ActionGroup, Button, Card, CardBody, EmptyState, EmptyStateBody, Form, FormGroup, PageSection, Radio, TextInput } from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { Csr } from "../parts/Csr";
import { Field } from "../parts/Field";
import { Title } from "../parts/Title";
import { Files, Kind, type Order, passwordFault } from "./order";
import { Trouble } from "./parts";
import { useAsk, useOffers, type Wish } from "./queries";

interface Form_ extends Order {
  name: string;
  mine: boolean;
  csr: string;
}

/** What is sent: null when something is missing. */
export function wishOf(f: Form_): Wish | null {
  const name = f.name.trim();
  if (f.mine) {
    const csr = f.csr.trim();
    return csr ? { profile: f.profile, format: "pem", lines: [name ? { name, csr: `${csr}\n` } : { csr: `${csr}\n` }], title: name } : null;
  }
  if (!name || passwordFault(f)) {
    return null;
  }
  return { profile: f.profile, format: f.p12 ? "pkcs12" : "pem", ...(f.p12 ? { password: f.password } : {}), lines: [name], title: name };
}

export default function One() {
  const { t } = useTranslation("portal");
  const navigate = useNavigate();
  const [address] = useSearchParams();
  const offers = useOffers();
  const ask = useAsk();
  const [f, setForm] = useState<Form_>({ profile: "", name: address.get("name") ?? "", mine: false, csr: "", p12: true, password: "" });
  const [tried, setTried] = useState(false);
  const set = (change: Partial<Form_>) => setForm({ ...f, ...change });
  const choice = offers.data ?? [];
  const profile = f.profile || choice[0]?.attributes.name || "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const wish = wishOf({ ...f, profile });
    if (wish) {
      ask.mutate(wish, { onSuccess: (id) => void navigate(`/asked/${id}`) });
    }
  };
  const missing = (empty: boolean) => (tried && empty ? t("one.missing") : undefined);
  if (offers.data && choice.length === 0) {
    return (
      <>
        <Title title={t("one.title")} />
        <PageSection>
          <EmptyState titleText={t("one.noOffers")} headingLevel="h2">
            <EmptyStateBody>{t("one.noOffersText")}</EmptyStateBody>
          </EmptyState>
        </PageSection>
      </>
    );
  }
  return (
    <>
      <Title title={t("one.title")} subtitle={t("one.subtitle")} />
      <PageSection>
        <Card>
          <CardBody>
            <Form onSubmit={submit} noValidate>
              <Trouble error={offers.error ?? ask.error} />
              <Field id="name" label={t("one.name")} help={t("one.nameHelp")} error={missing(!f.mine && !f.name.trim())} required={!f.mine}>
                <TextInput
                  id="name"
                  value={f.name}
                  maxLength={64}
                  autoComplete="off"
                  aria-describedby="name-help"
                  onChange={(_, v) => set({ name: v })}
                  validated={missing(!f.mine && !f.name.trim()) ? "error" : "default"}
                />
              </Field>
              <Kind offers={choice} value={profile} onChange={(v) => set({ profile: v })} />
              <FormGroup role="radiogroup" label={t("one.how")} fieldId="how" className="siegel-choice">
                <Radio id="how-here" name="how" label={t("one.here")} description={t("one.hereHelp")} isChecked={!f.mine} onChange={() => set({ mine: false })} />
                <Radio id="how-mine" name="how" label={t("one.mine")} description={t("one.mineHelp")} isChecked={f.mine} onChange={() => set({ mine: true })} />
              </FormGroup>
              {f.mine ? (
                <Field id="csr" label={t("one.file")} help={t("one.fileHelp")} error={missing(!f.csr.trim())} required>
                  <Csr id="csr" value={f.csr} onChange={(csr) => set({ csr })} names={{ label: t("one.file"), file: t("one.file"), browse: t("one.browse"), clear: t("one.clear"), unreadable: t("one.unreadable"), secret: t("one.secret") }} />
                </Field>
              ) : (
                <Files order={f} onChange={set} tried={tried} />
              )}
              <ActionGroup>
                <Button type="submit" size="lg" isLoading={ask.isPending} isDisabled={ask.isPending || !profile}>
                  {t("one.submit")}
                </Button>
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
