import { run, sleepForever } from "brio"; import { startServer } from "brio/streams";
process.on('SIGTERM',()=>{const u=process.cpuUsage();console.error((u.user+u.system)/1000);process.exit()});
await run(async()=>{ await using s=await startServer(async(r,w)=>{ for(;;){ const d=await r.read(102400); if(d.length===0) return; w.write(d); await w.drain(); } },"127.0.0.1",0); console.log(s.port); await sleepForever(); },{handleSignals:false});
