import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testSamples } from '../boxes.js';
import { testTimeNamespace } from '../time-namespace.js';

test('this is arm64', () => assert.equal(process.arch, 'arm64'));

testSamples();
testTimeNamespace();
