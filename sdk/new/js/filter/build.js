import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const { component } = await componentize({ sourcePath: "app.js", witPath: "wit", worldName: "filter" });
await writeFile("@NAME@.wasm", component);
