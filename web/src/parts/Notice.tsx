import { Alert, type AlertProps } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";

type Look = "success" | "danger" | "warning" | "info";

/** An alert whose hidden words are in the language of the page as well; read out when it appears. */
export function Notice({ variant, ...rest }: Omit<AlertProps, "variant" | "variantLabel" | "isInline"> & { variant: Look }) {
  const { t } = useTranslation();
  return <Alert isLiveRegion={!rest.role} {...rest} component="p" variant={variant} isInline variantLabel={t(`notice.${variant}`)} />;
}
