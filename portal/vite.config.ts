import { defineConfig } from "vite";

export default defineConfig({
  // Relative: the app may be mounted anywhere, and index.html says where it is by <base>.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: {
    alias: {
      react: "preact/compat",
      "react-dom": "preact/compat",
      "react/jsx-runtime": "preact/jsx-runtime",
    },
  },
  build: {
    target: "es2022",
    // Nothing is inlined: the policy of the page allows files of its own alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    emptyOutDir: true,
  },
});
