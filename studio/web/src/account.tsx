import { useQuery } from "@tanstack/react-query";
import { useAccount, useConnect, useConnectors, useDisconnect } from "wagmi";
import { mined } from "../../../sdk/transactions.ts";
import { useOwn, useProtocol } from "./protocol.ts";
import { useStack } from "./stack.ts";
import { Action } from "./ui/action.tsx";
import { Money } from "./ui/values.tsx";

/** Test tokens that one press of the button mints, in whole tokens. */
const TEST_MONEY = 100n;

/** Who is at work: a ready-made account of the local chain, or an injected wallet. */
export function Account() {
  const { accounts, token } = useStack();
  const { address, connector } = useAccount();
  const { mutate: connect } = useConnect();
  const { mutate: disconnect } = useDisconnect();
  const connectors = useConnectors();
  const { token: contract } = useProtocol();
  const own = useOwn();
  const { data: balance } = useQuery({
    queryKey: ["balance", address],
    queryFn: () => contract.balanceOf(address!),
    enabled: address !== undefined,
  });
  const local = connectors.find(({ id }) => id === "local")!;
  const wallets = connectors.filter(({ id }) => id !== "local");

  const choose = (value: string) => {
    if (value === "") return disconnect({});
    const wallet = wallets.find(({ uid }) => uid === value);
    if (wallet) return connect({ connector: wallet });
    local.onAccountsChanged([value]);
    connect({ connector: local });
  };
  const value = address === undefined ? "" : connector?.id === "local" ? address : (connector?.uid ?? "");
  return (
    <div className="account">
      {address && (
        <>
          <Money amount={balance} />
          <Action
            small
            run={async () => {
              const { token: mine } = await own();
              await mined(mine.mint(address, TEST_MONEY * 10n ** BigInt(token.decimals)));
            }}
          >
            Get test money
          </Action>
        </>
      )}
      <label>
        <span className="hidden">Account</span>
        <select value={value} onChange={({ target }) => choose(target.value)}>
          <option value="">Choose an account…</option>
          <optgroup label="Ready-made, on this local chain">
            {accounts.map(({ address, name }) => (
              <option key={address} value={address}>
                {name} · {address.slice(0, 6)}…{address.slice(-4)}
              </option>
            ))}
          </optgroup>
          {wallets.length > 0 && (
            <optgroup label="Wallets of this browser">
              {wallets.map(({ uid, name }) => (
                <option key={uid} value={uid}>
                  {name}
                </option>
              ))}
            </optgroup>
          )}
        </select>
      </label>
    </div>
  );
}
