-- Templates of profiles, as they come with the product: siegelctl writes them at each "db migrate" from the files of its release. Those of no
-- tenant: everybody reads them, nobody changes them.
SET search_path = siegel;

CREATE TABLE profile_template (
  name           text PRIMARY KEY,
  kind           text NOT NULL,
  title          text NOT NULL,
  title_de       text NOT NULL,
  description    text NOT NULL,
  description_de text NOT NULL,
  definition     jsonb NOT NULL  -- doc/profiles.md
);
GRANT SELECT ON profile_template TO siegel_ca, siegel_api;
