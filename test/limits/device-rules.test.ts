import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BpfInstruction } from '../../src/linux/bpf.js';
import { encode } from '../../src/linux/bpf.js';
import { deviceProgram } from '../../src/plan/device-program.js';
import { deviceList, type Exception, exceptionText } from '../../src/plan/device-rules.js';
import { seed } from '../support/random.js';
import { randomNumbers } from '../support/random-numbers.js';
import { type Access, allowed, type Question, type Rule, randomRules } from './device-reference.js';

/** Both forms that rules about devices take, against a reference that looks them through one by one. */

const KINDS = ['b', 'c'] as const;
const NUMBERS = [0, 1, 3, 7, 200];
const ACCESSES: readonly Access[] = ['r', 'w', 'm', 'rw', 'rwm', 'wm', 'rm'];

const QUESTIONS: readonly Question[] = KINDS.flatMap(type =>
  NUMBERS.flatMap(major => NUMBERS.flatMap(minor => ACCESSES.map(access => ({ type, major, minor, access })))),
);

const BITS = { m: 1, r: 2, w: 4 } as const;
const bitsOf = (access: string): number =>
  (['m', 'r', 'w'] as const).reduce((bits, letter) => bits + (access.includes(letter) ? BITS[letter] : 0), 0);

/** The virtual machine, as far as it is needed: include/uapi/linux/bpf.h. Every jump must land inside. */
function run(program: readonly BpfInstruction[], { type, major, minor, access }: Question): number {
  const memory = [bitsOf(access) * 0x10000 + (type === 'b' ? 1 : 2), major, minor];
  const registers = new Array<number | undefined>(11).fill(undefined);
  registers[1] = -1;
  const read = (register: number): number => {
    const value = registers[register];
    assert.ok(value !== undefined, `register ${register} has no value`);
    return value;
  };
  for (let at = 0, steps = 0; ; at += 1, steps += 1) {
    assert.ok(steps < 10_000);
    const instruction = program[at];
    assert.ok(instruction !== undefined, `nothing at ${at}`);
    const { code, to, from, offset, value } = instruction;
    switch (code) {
      case 0x61:
        assert.equal(read(from), -1);
        registers[to] = memory[offset / 4];
        break;
      case 0xb4:
        registers[to] = value;
        break;
      case 0xbc:
        registers[to] = read(from);
        break;
      case 0x54:
        registers[to] = read(to) & value;
        break;
      case 0x74:
        registers[to] = read(to) >>> value;
        break;
      case 0x55:
        if (read(to) !== value) at += offset;
        break;
      case 0x45:
        if ((read(to) & value) !== 0) at += offset;
        break;
      case 0x05:
        at += offset;
        break;
      case 0x95:
        return read(0);
      default:
        assert.fail(`instruction ${code}`);
    }
  }
}

/** The verifier takes no instruction that is never come to, whatever it is asked. */
function unreached(program: readonly BpfInstruction[]): readonly number[] {
  const seen = new Set<number>();
  const open = [0];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const instruction = program[at];
    assert.ok(instruction !== undefined, `a jump to ${at}`);
    if (seen.has(at)) continue;
    seen.add(at);
    const { code, offset } = instruction;
    if (code === 0x95) continue;
    if (code !== 0x05) open.push(at + 1);
    if (code === 0x05 || code === 0x55 || code === 0x45) open.push(at + 1 + offset);
  }
  return program.flatMap((_, at) => (seen.has(at) ? [] : [at]));
}

/** security/device_cgroup.c: an exception to what is denied must have all of the access, one to what is allowed any of it. */
function byList(allowsRest: boolean, exceptions: readonly Exception[], question: Question): boolean {
  const bits = bitsOf(question.access);
  const fits = exceptions.filter(
    ({ type, major, minor }) =>
      type === question.type &&
      (major === -1 || major === question.major) &&
      (minor === -1 || minor === question.minor),
  );
  return allowsRest
    ? fits.every(({ access }) => (access & bits) === 0)
    : fits.some(({ access }) => (bits & ~access) === 0);
}

test(`random rules decide alike in both forms (seed ${seed})`, () => {
  const random = randomNumbers(seed);
  let [expressible, inexpressible] = [0, 0];
  for (let round = 0; round < 400; round += 1) {
    const rules = randomRules(random, NUMBERS.slice(0, 4));
    const program = deviceProgram(rules);
    const list = deviceList(rules);
    const context = JSON.stringify(rules);
    assert.deepEqual(unreached(program), [], context);
    if ('inexpressible' in list) inexpressible += 1;
    else expressible += 1;
    for (const question of QUESTIONS) {
      const answer = allowed(rules, question);
      const asked = `${JSON.stringify(question)} of ${context}`;
      assert.equal(run(program, question), answer ? 1 : 0, asked);
      if (!('inexpressible' in list)) assert.equal(byList(list.allowsRest, list.exceptions, question), answer, asked);
    }
  }
  assert.ok(expressible > 100 && inexpressible > 3, `${expressible} ${inexpressible}`);
});

const DENY_ALL: Rule = { allow: false };

test('rules as lists of version 1', () => {
  const lists: readonly (readonly [rules: readonly Rule[], list: string])[] = [
    [[DENY_ALL], 'deny'],
    [[], 'allow'],
    [[{ allow: true }], 'allow'],
    [[DENY_ALL, { allow: true }], 'allow'],
    [[{ allow: false, type: 'b', major: 8, minor: 0, access: 'w' }], 'allow but b 8:0 w'],
    [[{ allow: false, type: 'b' }], 'deny but c *:* rwm'],
    [[DENY_ALL, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }], 'deny but c 1:3 rwm'],
    [[DENY_ALL, { allow: true, major: 1, minor: 3, access: 'r' }], 'deny but b 1:3 r, c 1:3 r'],
    // The kernel itself would forget the first rule only where it is taken back with the same numbers.
    [[DENY_ALL, { allow: true, type: 'c', major: 1, minor: 3 }, { allow: false, type: 'c' }], 'deny'],
    [
      [
        DENY_ALL,
        { allow: true, type: 'c', major: 1, access: 'r' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'w' },
      ],
      'deny but c 1:* r, c 1:3 rw',
    ],
    [
      [DENY_ALL, { allow: true, type: 'c', major: 1 }, { allow: false, type: 'c', major: 1, minor: 5 }],
      'version 1 of cgroups cannot allow c 1:* rwm without c 1:5: its exceptions know no exceptions',
    ],
  ];
  for (const [rules, expected] of lists) {
    const list = deviceList(rules);
    const text =
      'inexpressible' in list
        ? list.inexpressible
        : [list.allowsRest ? 'allow' : 'deny', list.exceptions.map(exceptionText).join(', ')]
            .filter(Boolean)
            .join(' but ');
    assert.equal(text, expected);
  }
});

test('instructions are eight bytes each, as the kernel has them', () => {
  const program = deviceProgram([DENY_ALL, { allow: true, type: 'c', major: 1, minor: 3, access: 'r' }]);
  const bytes = Buffer.from(encode(program)).toString('hex').match(/.{16}/g);
  assert.deepEqual(bytes, [
    '6112000000000000', // r2 = *(u32 *)(r1 + 0)
    'bc23000000000000', // w3 = w2
    '7403000010000000', // w3 >>= 16
    '54020000ffff0000', // w2 &= 0xffff
    '6114040000000000', // r4 = *(u32 *)(r1 + 4)
    '6115080000000000', // r5 = *(u32 *)(r1 + 8)
    '5502060002000000', // if r2 != 2 goto +6
    '5504050001000000', // if r4 != 1 goto +5
    '5505040003000000', // if r5 != 3 goto +4
    '5403000005000000', // w3 &= 5
    '5503020000000000', // if r3 != 0 goto +2
    'b400000001000000', // w0 = 1
    '9500000000000000', // exit
    'b400000000000000', // w0 = 0
    '9500000000000000', // exit
  ]);
});
