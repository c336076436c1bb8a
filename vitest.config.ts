import { defaultServerConditions } from "vite";
import { configDefaults, defineConfig } from "vitest/config";

// Tests run on the sources: the "brio-source" condition of each package's exports leads there.
const conditions = ["brio-source", ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "scripts/test/**/*.test.ts",
      "examples/**/*.test.ts",
      "conformance/**/*.test.ts",
      "benchmarks/test/**/*.test.ts",
    ],
    exclude: [...configDefaults.exclude, "**/dist/**"],
    // A process per file: signal handlers, process exit and heap sizes are part of what is tested.
    pool: "forks",
    execArgv: ["--expose-gc"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
