import { defineConfig } from "vitest/config";

// The page is served by the chat component from its own origin under a strict
// Content-Security-Policy, so nothing may be inlined: neither scripts nor small assets.
export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  server: {
    // `npm run dev` beside a running server, or beside `npm run mock`.
    proxy: { "/v1": process.env["QUERN_URL"] ?? "http://127.0.0.1:8099" },
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts", "src/**/*.test.tsx"],
    setupFiles: ["src/test_setup.ts"],
    testTimeout: 20_000,
  },
});
