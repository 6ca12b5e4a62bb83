import type * as v from 'valibot';
import { fieldName, type Problem } from './problem.js';

/** A union's issue says only that nothing matched; the issues of the option that got furthest say why. */
export function issueProblems(
  issue: v.BaseIssue<unknown>,
  unknownField = 'is not a field of a box',
): readonly Problem[] {
  if (issue.type === 'union' && issue.issues !== undefined) {
    const own = issue.issues.filter(nested => nested.kind === 'validation' || (nested.path?.length ?? 0) > 0);
    if (own.length > 0) return own.map(nested => problemOf(nested, issue.path ?? [], unknownField));
    const expected = issue.issues.map(nested => inWords(nested.expected)).join(' or ');
    return [
      { ...problemOf(issue, [], unknownField), message: `must be ${expected}; it is ${inWords(issue.received)}` },
    ];
  }
  return [problemOf(issue, [], unknownField)];
}

function problemOf(issue: v.BaseIssue<unknown>, parents: readonly v.IssuePathItem[], unknownField: string): Problem {
  const keys = [...parents, ...(issue.path ?? [])].map(item =>
    typeof item.key === 'number' ? item.key : String(item.key),
  );
  return { field: fieldName(keys), message: issueMessage(issue, unknownField) };
}

function issueMessage(issue: v.BaseIssue<unknown>, unknownField: string): string {
  if (issue.kind === 'validation' || issue.type === 'custom') return issue.message;
  if (issue.type === 'strict_object' && issue.expected === 'never') return unknownField;
  if (issue.received === 'undefined' && issue.path !== undefined) return 'is missing';
  return `must be ${inWords(issue.expected)}; it is ${inWords(issue.received)}`;
}

/** Valibot's names of types, as a person who writes YAML knows them; `("a" | "b")` is how it lists values. */
function inWords(type: string | null): string {
  if (type === null) return 'something else';
  return WORDS[type] ?? type.replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ');
}

const WORDS: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  Object: 'a mapping',
  Array: 'a list',
  string: 'a string',
  boolean: 'true or false',
  number: 'a number',
});
