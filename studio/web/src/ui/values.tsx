import { formatUnits } from "ethers";
import { Fragment } from "react";
import { useStack } from "../stack.ts";

/** An amount of the stack's token, in whole tokens. */
export function Money({ amount }: { amount: bigint | undefined }) {
  const { token } = useStack();
  return (
    <span className="money">
      {amount === undefined ? "…" : `${formatUnits(amount, token.decimals)} ${token.symbol}`}
    </span>
  );
}

/** An address by its ready-made account's name, or shortened; whole when pointed at. */
export function Address({ of }: { of: string }) {
  const { accounts } = useStack();
  const known = accounts.find(({ address }) => address.toLowerCase() === of.toLowerCase());
  return <span title={of}>{known ? known.name : short(of)}</span>;
}

/** Several addresses, one after the other. */
export const Addresses = ({ of }: { of: string[] }) =>
  of.map((address, i) => (
    <Fragment key={address}>
      {i > 0 && ", "}
      <Address of={address} />
    </Fragment>
  ));

/** A hash or content id, shortened; whole when pointed at. */
export const Hash = ({ of }: { of: string }) => <code title={of}>{short(of)}</code>;

const short = (text: string): string => (text.length > 14 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text);

/** Share of a whole. */
export const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
