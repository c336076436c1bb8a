// Two transfers that take the same two locks in opposite order, so that each waits for the other. Nothing can wake
// this program any more. It does not hang, and does not end as if nothing had happened: run() throws a DeadlockError
// that lists who waits for what, and the process ends with exit code 1.
import { Lock, run, sleep, taskGroup } from "brio";

class Account {
  readonly lock = new Lock();
  readonly owner: string;
  balance: number;

  constructor(owner: string, balance: number) {
    this.owner = owner;
    this.balance = balance;
  }
}

async function transfer(from: Account, to: Account, amount: number): Promise<void> {
  await from.lock.with(async () => {
    console.log(`holding ${from.owner}'s account, waiting for ${to.owner}'s`);
    await sleep("10ms"); // the other transfer takes its first lock meanwhile
    await to.lock.with(() => {
      from.balance -= amount;
      to.balance += amount;
    });
  });
}

export async function main(): Promise<void> {
  const anna = new Account("Anna", 100);
  const ben = new Account("Ben", 100);
  await taskGroup((group) => {
    group.createTask(() => transfer(anna, ben, 30), { name: "Anna to Ben" });
    group.createTask(() => transfer(ben, anna, 20), { name: "Ben to Anna" }); // sort the locks to repair it
  });
  console.log(`Anna has ${anna.balance}, Ben has ${ben.balance}`);
}

if (import.meta.main) await run(main);
