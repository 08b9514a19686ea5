import { defineConfig } from "vite";

// The page of `quern pipe ui`: three files of fixed names, which the program holds.
export default defineConfig({
  base: "./",
  publicDir: false,
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    outDir: "dist-pipe",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
    rollupOptions: {
      input: "pipe.html",
      output: { entryFileNames: "pipe.js", assetFileNames: "pipe.[ext]", inlineDynamicImports: true },
    },
  },
});
