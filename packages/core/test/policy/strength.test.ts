import t from 'tap';
import { type Strength, satisfiesStrength, strengths, strongest, weakest } from '../../src/policy/strength.ts';

t.test('strengths are in one line, and each includes those before it', async (t) => {
  t.strictSame(strengths, ['any', 'multi-factor', 'phishing-resistant']);
  for (const [index, one] of strengths.entries()) {
    for (const [other, another] of strengths.entries()) {
      t.equal(satisfiesStrength(one, another), index >= other, `${one} for ${another}`);
      t.equal(strongest(one, another), strengths[Math.max(index, other)]);
      t.equal(weakest(one, another), strengths[Math.min(index, other)]);
    }
  }
});

t.test('a strength that nobody knows answers nothing', async (t) => {
  for (const asked of strengths) t.equal(satisfiesStrength('certified' as Strength, asked), false);
});
