use super::writer::path;
use super::*;
use crate::media::Sides;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

const KEY: RecordingKey = RecordingKey { call: 1357, number: 1 };
const STREAM: StreamKey = StreamKey(7);

fn recording(file: &str, sides: Sides) -> Recording {
    let longest = Duration::from_secs(60);
    Recording { key: KEY, file: file.into(), sides, longest, silence: None }
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ivr1357-recorder-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

/// A recorder whose writer runs on this thread, as far as it is asked to.
struct ByHand<F: Write + Seek = File> {
    recorder: Recorder,
    writer: Writer<F>,
    inbox: Receiver<Order>,
    told: Receiver<(StreamKey, Event)>,
}

impl ByHand {
    fn new(folder: &Path) -> Self {
        Self::on(folder, create)
    }
}

impl<F: Write + Seek> ByHand<F> {
    /// On a disk of the test's.
    fn on(folder: &Path, create: fn(&Path) -> io::Result<F>) -> Self {
        let (orders, inbox) = channel();
        let shared = Arc::new(Shared::new(64, Arc::default()));
        let recorder = Recorder { orders, shared: shared.clone(), ended: channel().1, patience: Duration::ZERO };
        let (tell, told) = channel();
        let tell = move |stream, event| tell.send((stream, event)).expect("the test listens");
        Self { recorder, writer: Writer::new(folder.to_owned(), create, shared, tell), inbox, told }
    }

    fn begin(&self, file: &str, sides: Sides) -> Box<dyn Sink> {
        self.recorder.begin(STREAM, &recording(file, sides))
    }

    fn work(&mut self) {
        while let Ok(order) = self.inbox.try_recv() {
            self.writer.carry_out(order);
        }
    }

    /// How recordings ended, as the engine is told.
    fn ends(&self) -> Vec<RecordingEnd> {
        let told = self.told.try_iter().map(|told| match told {
            (STREAM, Event::Recorded(ended)) if ended.key == KEY => ended.end,
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}

/// The end of a recording that was told to end.
fn told() -> Ended {
    Ended { end: RecordingEnd::Told, ..Ended::unkept(KEY, Loss::Broken) }
}

/// A disk with room for the header of a file and for nothing else.
struct Full(File);

impl Full {
    fn create(path: &Path) -> io::Result<Self> {
        create(path).map(Self)
    }
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.stream_position()? + bytes.len() as u64 {
            ..=44 => self.0.write(bytes),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn samples(path: &Path) -> (u16, Vec<i16>) {
    let mut reader = hound::WavReader::open(path).expect("it can be played");
    let samples = reader.samples().collect::<Result<_, _>>().expect("whole samples");
    (reader.spec().channels, samples)
}

#[test]
fn what_is_taken_is_in_the_file_and_nobody_else_may_read_it() {
    let folder = folder("taken");
    let mut bench = ByHand::new(&folder);
    let mut sink = bench.begin("messages/2026-11-29/a-1", Sides::Both);
    let said: Vec<i16> = (0..5000).map(|n| n as i16).collect();
    assert!(said.chunks(320).all(|frame| sink.take(frame).is_ok()));
    sink.finish(told());
    assert_eq!(bench.ends(), [], "nothing is known of a file that is not written");
    drop(sink);
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Told], "once");
    let path = folder.join("messages/2026-11-29/a-1.wav");
    assert_eq!(samples(&path), (2, said));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("a file").permissions());
    assert_eq!(mode & 0o777 & !0o640, 0);
    assert!(bench.writer.open.is_empty());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_process_that_is_killed_leaves_all_but_the_last_second() {
    let folder = folder("killed");
    let mut bench = ByHand::new(&folder);
    let mut sink = bench.begin("messages/k", Sides::Caller);
    for _ in 0..150 {
        sink.take(&[700; 160]).expect("room");
        bench.work();
    }
    // No header is written any more, no buffer emptied.
    bench.writer.open.into_values().for_each(|open| std::mem::forget(open.file));
    let (_, left) = samples(&folder.join("messages/k.wav"));
    assert!(left.len() >= 16_000 && left.iter().all(|&sample| sample == 700), "{}", left.len());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_disk_that_cannot_keep_it_is_told_to_the_next_frame() {
    // A folder that is a file.
    let folder = folder("full");
    fs::write(&folder, "").expect("a file");
    let mut bench = ByHand::new(&folder);
    let mut sink = bench.begin("messages/f", Sides::Caller);
    bench.work();
    assert_eq!(sink.take(&[1; 160]), Ok(()), "gathered");
    assert_eq!(sink.take(&[1; GATHERED]), Err(Loss::Disk), "the next frames are told of it");
    sink.finish(told());
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Failed(Loss::Disk)]);
    // One that ends before it is told.
    bench.begin("messages/g", Sides::Caller).finish(told());
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Failed(Loss::Disk)]);
    let _ = fs::remove_file(folder);
}

#[test]
fn a_disk_that_is_full_when_the_file_is_closed_has_not_kept_it() {
    let folder = folder("closed");
    let mut bench = ByHand::on(&folder, Full::create);
    let mut sink = bench.begin("messages/c", Sides::Caller);
    sink.take(&[1; 160]).expect("it waits in a buffer");
    bench.work();
    sink.finish(told());
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Failed(Loss::Disk)]);
    let alarms = bench.recorder.shared.alarms.standing();
    assert!(alarms.iter().any(|[_, words]| words.contains("is the disk full?")), "{alarms:?}");
    assert!(!folder.join("messages/c.wav").exists(), "its file would hold a header and no sound");
    // One that nobody wants is not missed.
    let mut sink = bench.begin("messages/d", Sides::Caller);
    bench.recorder.discard("messages/d");
    sink.take(&[1; 160]).expect("room");
    sink.finish(told());
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Told]);
    let _ = fs::remove_dir_all(folder);
}

/// A disk without room for anything but a name.
struct Fuller(File);

impl Write for Fuller {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Fuller {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_recording_that_is_lost_before_its_first_sample_leaves_no_file() {
    let folder = folder("soundless");
    let mut bench = ByHand::on(&folder, |path| create(path).map(Fuller));
    let mut sink = bench.begin("messages/a", Sides::Caller);
    bench.work();
    assert!(!folder.join("messages/a.wav").exists(), "not even while the call goes on");
    sink.finish(told());
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Failed(Loss::Disk)]);
    // The file of another is never taken for ours.
    fs::write(folder.join("messages/b.wav"), "").expect("written");
    drop(bench.begin("messages/b", Sides::Caller));
    bench.work();
    assert!(folder.join("messages/b.wav").exists());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_recording_whose_last_frames_find_no_room_is_torn_and_one_that_finds_none_never_begins() {
    let folder = folder("torn");
    let mut bench = ByHand::new(&folder);
    let mut torn = bench.begin("calls/torn", Sides::Caller);
    torn.take(&[1; 160]).expect("room");
    let mut long = bench.begin("calls/long", Sides::Caller);
    assert!((0..100).any(|_| long.take(&[1; GATHERED]) == Err(Loss::Slow)));
    torn.finish(told());
    let mut late = bench.begin("calls/late", Sides::Caller);
    assert_eq!(late.take(&[1; 160]), Err(Loss::Slow));
    drop((late, long));
    bench.begin("calls/later", Sides::Caller).finish(told());
    bench.work();
    assert_eq!(bench.ends(), [RecordingEnd::Failed(Loss::Slow); 4]);
    assert!(!folder.join("calls/late.wav").exists());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_recording_that_an_error_of_ours_drops_is_told_with_what_there_is_of_it() {
    let folder = folder("dropped");
    let mut bench = ByHand::new(&folder);
    let mut sink = bench.begin("calls/dropped", Sides::Both);
    sink.take(&[1; 3200]).expect("room");
    drop(sink);
    bench.work();
    let Ok((STREAM, Event::Recorded(ended))) = bench.told.try_recv() else { panic!("its end is told") };
    assert_eq!((ended.end, ended.length), (RecordingEnd::Failed(Loss::Broken), Duration::from_millis(200)));
    assert_eq!(samples(&folder.join("calls/dropped.wav")), (2, vec![1; 3200]));
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn two_buffers_go_round() {
    const ROUNDS: u64 = 62;
    let folder = folder("round");
    let mut bench = ByHand::new(&folder);
    let mut sink = bench.begin("calls/round", Sides::Both);
    let mut rounds = |bench: &mut ByHand, count| {
        for _ in 0..count {
            (0..10).for_each(|_| sink.take(&[1; 320]).expect("room"));
            bench.work();
        }
    };
    rounds(&mut bench, 2);
    // The queue itself takes room for 31 orders at a time.
    let count = allocation_counter::measure(|| rounds(&mut bench, ROUNDS)).count_total;
    assert!(count <= ROUNDS / 31 + 1, "{count} allocations in {ROUNDS} rounds");
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_queue_that_is_full_still_takes_the_end_of_a_recording_and_that_nobody_wants_it() {
    let folder = folder("unwanted");
    let mut bench = ByHand::new(&folder);
    let mut wanted = bench.begin("calls/wanted", Sides::Both);
    let mut unwanted = bench.begin("calls/unwanted", Sides::Both);
    unwanted.take(&[1; 2 * GATHERED]).expect("room");
    while wanted.take(&[1; 2 * GATHERED]).is_ok() {}
    bench.recorder.discard("calls/unwanted");
    drop((wanted, unwanted));
    bench.work();
    assert!(bench.writer.open.is_empty(), "both are closed");
    assert!(!folder.join("calls/unwanted.wav").exists());
    let (_, kept) = samples(&folder.join("calls/wanted.wav"));
    assert!(kept.len() > 60 * 2 * GATHERED, "{}", kept.len());
    assert_eq!(bench.recorder.shared.waiting.load(Ordering::Relaxed), 0);
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn what_is_on_its_way_is_written_and_what_nobody_wants_is_gone_before_the_recorder_ends() {
    let folder = folder("ends");
    let (tell, ends) = channel();
    let tell = move |_, event| tell.send(event).expect("the test listens");
    let recorder = Recorder::start(folder.clone(), Arc::default(), tell).expect("a thread");
    let [mut wanted, mut unwanted] =
        ["calls/wanted", "calls/unwanted"].map(|file| recorder.begin(STREAM, &recording(file, Sides::Both)));
    for _ in 0..500 {
        assert!([&mut wanted, &mut unwanted].into_iter().all(|sink| sink.take(&[7; 2 * GATHERED]).is_ok()));
    }
    wanted.take(&[7; 320]).expect("room");
    wanted.finish(told());
    drop((wanted, unwanted));
    recorder.discard("calls/unwanted");
    drop(recorder);
    assert_eq!(ends.try_iter().next(), Some(Event::Recorded(told())), "told before the recorder ends");
    let (_, kept) = samples(&folder.join("calls/wanted.wav"));
    assert_eq!(kept.len(), 500 * 2 * GATHERED + 320);
    assert!(!folder.join("calls/unwanted.wav").exists());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_disk_that_hangs_does_not_keep_the_recorder_for_ever() {
    let folder = folder("hangs");
    let ByHand { mut recorder, mut writer, inbox, told: _told } = ByHand::new(&folder);
    let (ends, ended) = channel();
    recorder.ended = ended;
    recorder.begin(STREAM, &recording("calls/a", Sides::Both)).take(&[1; 320]).expect("room");
    // Its writer is at work still, and no time is left.
    drop(recorder);
    inbox.try_iter().for_each(|order| writer.carry_out(order));
    drop(ends);
    assert!(writer.open.is_empty());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn nothing_stays_of_what_is_discarded_whether_it_runs_or_not_and_no_name_leaves_the_folder() {
    let folder = folder("discarded");
    let mut bench = ByHand::new(&folder);
    for ended in [true, false] {
        let mut sink = bench.begin("messages/d", Sides::Caller);
        sink.take(&[1; 4000]).expect("room");
        if ended {
            sink.finish(told());
            drop(sink);
            bench.recorder.discard("messages/d");
        } else {
            bench.recorder.discard("messages/d");
            sink.take(&[1; 4000]).expect("room");
            drop(sink);
        }
        bench.work();
        assert!(!folder.join("messages/d.wav").exists() && bench.writer.open.is_empty());
    }
    assert_eq!(path(&folder, "../x"), None);
    assert_eq!(path(&folder, "/etc/x"), None);
    assert_eq!(path(&folder, "a/../../x"), None);
    assert_eq!(path(&folder, ""), None);
    let _ = fs::remove_dir_all(folder);
}
