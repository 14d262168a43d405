import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The edge serves the files under /console/, and portal.html as /portal/, with default-src 'self': nothing is put into the page itself, not even a small picture.
export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: { outDir: "dist", assetsInlineLimit: 0, sourcemap: false, target: "es2022", chunkSizeWarningLimit: 1200, rolldownOptions: { input: ["index.html", "portal.html"] } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
