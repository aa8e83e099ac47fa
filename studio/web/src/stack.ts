import { createContext, use } from "react";
import type { Addresses } from "../../../sdk/contracts.ts";
import { api } from "./api.ts";

/** What runs on this machine, as GET /api/stack tells. */
export type Stack = {
  chainId: number;
  /** Tells this chain from those of earlier starts. */
  genesis: string;
  rpcUrl: string;
  addresses: Addresses;
  token: { address: string; symbol: string; decimals: number };
  vkId: string;
  accounts: { index: number; name: string; address: string }[];
  bases: { id: string; name: string; hash: string; parameters: number; context: number }[];
  /** Bases that are being downloaded, in bytes. */
  downloads: { source: string; received: number; total: number }[];
  /** Hyper-parameters beside title and note. */
  presets: Record<string, { title: string; note: string } & Record<string, unknown>>;
};

export const loadStack = (): Promise<Stack> => api<Stack>("stack");

export const StackContext = createContext<Stack | undefined>(undefined);

/** The stack this page was opened on. */
export const useStack = (): Stack => use(StackContext)!;
