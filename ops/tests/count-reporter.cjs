// Mocha's own spec reporter, which also writes this run's counts and failures to the file that ops/tests/run.ts sums up.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const broken = [];
    runner.on('fail', (test, error) => broken.push(`${test.fullTitle()}: ${summarize(error)}`));
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(
        process.env.TEST_COUNTS,
        JSON.stringify({ passed: passes, failed: failures, skipped: pending, broken }),
      );
    });
  }
};

// Enough to know where to look: all of it stands further up.
function summarize(error) {
  const text = String(error?.message ?? error).replace(/\s+/g, ' ');
  return text.length > 300 ? `${text.slice(0, 300)} …` : text;
}
