// A new CA in four steps, each choice with what it means; what is left alone is sensible.
import { ActionGroup, Button, Card, CardBody, CardTitle, Form, PageSection } from "@patternfly/react-core";
import { type FormEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { ApiError } from "../api/client";
import { useAll, useSend } from "../api/hooks";
import { type Outcome, text } from "../api/rest";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Done, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { Check, Key, Name, Place, Progress, type StepProps, STEPS } from "./authority/steps";
import { attributesOfCa, type NewCa, stepOfError, stepReady } from "./hierarchy";

export default function NewAuthority() {
  const { t } = useTranslation("hierarchy");
  const [address] = useSearchParams();
  const navigate = useNavigate();
  const wanted = address.get("parent") ?? "";
  const cas = useAll("/cas");
  const [step, setStep] = useState(0);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [w, setWish] = useState<NewCa>({
    kind: "below", parent: wanted, cn: "", o: "", c: "", name: "", profile: "", keyType: "", keyStore: "", days: "", baseUrl: "", isDefault: false, offline: true,
  });
  const heading = useRef<HTMLHeadingElement>(null);
  const to = (other: number) => {
    setStep(other);
    heading.current?.focus();
  };
  const set = (change: Partial<NewCa>) => setWish({ ...w, ...change });
  const parents = (cas.data ?? []).filter((ca) => ["active", "offline"].includes(text(ca, "status")));
  const first = cas.data !== undefined && cas.data.length === 0;
  const wish: NewCa = {
    ...w,
    kind: parents.length === 0 && w.kind === "below" ? "root" : w.kind,
    parent: w.parent || text(parents[0], "name"),
    // The first CA of a tenant has none to take the addresses from.
    baseUrl: w.baseUrl || (first ? `http://${location.hostname}` : ""),
  };
  const create = useSend((done) => {
    if (done.approval || !done.item) {
      setOutcome(done);
    } else {
      void navigate(`/hierarchy/${done.item.id}`);
    }
  });
  const parts: StepProps = { w, wish, set, wrong: (name) => wrongWith(create.error, name) };
  const labels = {
    name: t("name"), subject: t("cn"), parent: t("parent"), profile: t("profile"), key_type: t("keyType"), key_store: t("keyStore"), days: t("days"), base_url: t("baseUrl"),
  };
  const next = (event: FormEvent) => {
    event.preventDefault();
    if (!stepReady(wish, step)) {
      return;
    }
    if (step < STEPS.length - 1) {
      to(step + 1);
    } else {
      create.mutate(
        { path: "/cas", type: "cas", attributes: attributesOfCa(wish) },
        // Back to where it can be mended: the last step has no fields.
        { onError: (error) => error instanceof ApiError && to(stepOfError(error.errors.map((one) => one.source?.pointer)) ?? step) },
      );
    }
  };
  return (
    <>
      <Title title={t("newTitle")} subtitle={t("newSubtitle")} />
      <PageSection>
        {outcome && <Done outcome={outcome} text={t("newDone")} />}
        <Card>
          <CardBody>
            <Progress at={step} />
          </CardBody>
          <CardTitle>
            <h2 ref={heading} tabIndex={-1} className="pf-v6-c-card__title-text">
              {t(`step.${STEPS[step] ?? "place"}`)}
            </h2>
          </CardTitle>
          <CardBody>
            <Form onSubmit={next}>
              <ErrorAlert error={cas.error ?? create.error} labels={labels} />
              {step === 0 && <Place {...parts} parents={parents} />}
              {step === 1 && <Name {...parts} />}
              {step === 2 && <Key {...parts} first={first} />}
              {step === 3 && <Check {...parts} />}
              <ActionGroup>
                <Button type="submit" isDisabled={!stepReady(wish, step) || create.isPending || cas.isPending} isLoading={create.isPending}>
                  {t(step < STEPS.length - 1 ? "next" : "create")}
                </Button>
                {step > 0 && (
                  <Button variant="secondary" onClick={() => to(step - 1)}>
                    {t("back")}
                  </Button>
                )}
                <Button variant="link" component={(props: object) => <Link {...props} to="/hierarchy" />}>
                  {t("cancel")}
                </Button>
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
