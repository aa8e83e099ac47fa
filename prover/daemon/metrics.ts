import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What the daemon counts. */
export class Metrics {
  readonly registry = new Registry();
  readonly epochs = new Gauge({
    name: "openledger_operator_epochs",
    help: "Epochs by state",
    labelNames: ["model", "state"],
    registers: [this.registry],
  });
  readonly provingSeconds = new Histogram({
    name: "openledger_operator_proving_seconds",
    help: "Time to prove one epoch",
    buckets: [1, 5, 15, 60, 300, 900, 3600],
    registers: [this.registry],
  });
  readonly steps = new Counter({
    name: "openledger_operator_steps_total",
    help: "Steps done",
    labelNames: ["step"],
    registers: [this.registry],
  });
  readonly transactions = new Counter({
    name: "openledger_operator_transactions_total",
    help: "Transactions signed",
    registers: [this.registry],
  });
  readonly errors = new Counter({
    name: "openledger_operator_errors_total",
    help: "Failed steps",
    labelNames: ["code"],
    registers: [this.registry],
  });
  readonly block = new Gauge({
    name: "openledger_operator_block",
    help: "Last block whose facts count",
    registers: [this.registry],
  });
}
