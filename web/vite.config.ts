import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { build, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The modules that the page begins with. What is left of them when all is thrown away that nobody uses is known when it is built, so it is built
 * once without all that comes later. */
async function firstOf(page: string): Promise<Set<string>> {
  const later: Plugin = {
    name: "siegel-later",
    resolveDynamicImport: () => ({ id: "siegel:later", external: true }),
  };
  const built = await build({
    root: here,
    configFile: false,
    base: "/console/",
    logLevel: "error",
    plugins: [react(), later],
    build: { write: false, minify: false, cssMinify: false, target: "es2022", assetsInlineLimit: 0, modulePreload: false, rolldownOptions: { input: page } },
  });
  const modules = new Set<string>();
  for (const one of Array.isArray(built) ? built.flatMap((b) => b.output) : "output" in built ? built.output : []) {
    if (one.type === "chunk") {
      Object.entries(one.modules).forEach(([id, module]) => (module.renderedLength > 0 || id.endsWith(".css")) && modules.add(id));
    }
  }
  return modules;
}

/** The font of all text is asked for with the scripts, not when the first text is drawn. */
const font: Plugin = {
  name: "siegel-font",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((name) => /RedHatTextVF-(?!Italic)/.test(name))
        .map((name) => ({ tag: "link", attrs: { rel: "preload", as: "font", type: "font/woff2", crossorigin: true, href: `/console/${name}` }, injectTo: "head" })),
  },
};

/** Files that fetch each other in a ring: one of them begins before what it needs is there, and the page stays white. */
const order: Plugin = {
  name: "siegel-order",
  generateBundle(_, bundle) {
    const fetched = (name: string) => (bundle[name]?.type === "chunk" ? bundle[name].imports : []);
    for (const name of Object.keys(bundle)) {
      const reached = new Set(fetched(name));
      for (const one of reached) {
        fetched(one).forEach((other) => reached.add(other));
      }
      if (reached.has(name)) {
        this.error(`${name} is fetched by what it fetches: these files can't begin in any order (see codeSplitting in vite.config.ts)`);
      }
    }
  },
};

// The edge serves the files under /console/, and portal.html as /portal/, with default-src 'self': nothing is put into the page itself, not even a
// small picture.
// Each page is built by itself (the portal by "--mode portal", into the same folder): built together, each would load what only the other needs.
export default defineConfig(async ({ command, mode }) => {
  const page = mode === "portal" ? "portal.html" : "index.html";
  const first = command === "build" ? await firstOf(page) : new Set<string>();
  return {
    base: "/console/",
    plugins: [react(), font, order],
    build: {
      outDir: "dist",
      emptyOutDir: mode !== "portal",
      assetsInlineLimit: 0,
      sourcemap: false,
      target: "es2022",
      chunkSizeWarningLimit: 1200,
      rolldownOptions: {
        input: page,
        // One file of scripts and one of styles for all that the page begins with.
        output: { codeSplitting: { includeDependenciesRecursively: mode === "portal", groups: [{ name: "first", test: (id: string) => first.has(id) }] } },
      },
    },
    test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
  };
});
