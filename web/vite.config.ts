import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The edge serves the files under /console/, and portal.html as /portal/, with default-src 'self': nothing is put into the page itself, not even a
// small picture.
// Each page is built by itself (the portal by "--mode portal", into the same folder): built together, each would load what only the other needs.
export default defineConfig(({ mode }) => ({
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: mode !== "portal",
    assetsInlineLimit: 0,
    sourcemap: false,
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { input: mode === "portal" ? "portal.html" : "index.html" },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
}));
