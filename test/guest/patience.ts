/** What a time limit in a test is multiplied by: 1, or 20 in a guest, which is that slow. */
export const patience = process.env.NSGEN_TEST_GUEST === '1' ? 20 : 1;
