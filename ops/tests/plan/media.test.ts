import { expect } from 'chai';
import { missingForCopy } from '../../src/plan/media.ts';

describe('missingForCopy', () => {
  const bucket = {
    MEDIA_S3_REGION: 'fra1',
    MEDIA_S3_BUCKET: 'photos',
    MEDIA_S3_ACCESS_KEY_ID: 'key',
    MEDIA_S3_SECRET_ACCESS_KEY: 'secret',
  };

  it('wants what a bucket cannot be reached without, whatever MEDIA_STORAGE says', () => {
    expect(missingForCopy(bucket)).to.deep.equal([]);
    for (const key of Object.keys(bucket))
      expect(missingForCopy({ ...bucket, [key]: '' })).to.deep.equal([key]);
    expect(missingForCopy({})).to.deep.equal(Object.keys(bucket));
  });
});
