import { areas } from "./areas.mjs"
import { instrument, bundle } from "./instrument.mjs"
import { Lane } from "./lanes.mjs"
for (const area of areas.filter(a=>process.argv.length<3||process.argv.slice(2).includes(a.name))) {
  const t0=performance.now()
  const {mutants, contents} = await instrument(area)
  const t1=performance.now()
  const bundles = await bundle(area, contents)
  const t2=performance.now()
  console.log(area.name, mutants.length, (t1-t0).toFixed(), (t2-t1).toFixed())
  const lane = new Lane(area.environment)
  for (const b of bundles) for (let i=0;i<2;i++) {
    const t=performance.now()
    const r = await lane.run({file:b, mutant:null}, 120000)
    console.log(" ", b.test, (performance.now()-t).toFixed(), r && r.failed, r?.why, r && r.tests.length, r && Object.keys(r.reach.static).length)
  }
  lane.close()
}
