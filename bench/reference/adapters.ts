// Writes test/trainer/fixtures/adapters/ours, which adapters.py loads into peft. A test checks that it stays what saveAdapter writes.
import path from "node:path";
import { someAdapter } from "../../test/trainer/tiny.ts";
import { loadBase } from "../../trainer/base.ts";
import { LINEARS } from "../../trainer/config.ts";
import { saveAdapter } from "../../trainer/peft.ts";

const fixtures = path.join(import.meta.dirname, "../../test/trainer/fixtures");
const base = loadBase(path.join(fixtures, "smollm2"));
saveAdapter(path.join(fixtures, "adapters/ours"), someAdapter(base, [...LINEARS], 2), base);
