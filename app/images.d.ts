// next-env.d.ts has them too, but is made by the first build.
/// <reference types="next/image-types/global" />
