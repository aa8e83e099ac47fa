import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The page alone, against a Studio that runs: `STUDIO=http://127.0.0.1:4400 npx vite studio/web`. */
const studio = process.env.STUDIO ?? "http://127.0.0.1:4400";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { target: "es2023", outDir: "dist", emptyOutDir: true, chunkSizeWarningLimit: 2000 },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/rpc", "/openlora", "/operator"].map((path) => [
        path,
        { target: studio, changeOrigin: true, headers: { origin: studio } },
      ]),
    ),
  },
});
