import type { Deployments } from "../deployments.ts";
import type { Stack } from "../stack.ts";
import type { Bases } from "./bases.ts";
import type { Chats } from "./chats.ts";
import type { Jobs } from "./jobs/manager.ts";

/** What the routes work with. */
export type Studio = { stack: Stack; deployments: Deployments; bases: Bases; jobs: Jobs; chats: Chats };
