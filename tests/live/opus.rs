//! Opus with the program as its users start it: what a caller hears, what the record tells, and what a program built without it says.

#[cfg(not(feature = "opus"))]
#[test]
fn a_program_that_was_built_without_it_says_so_in_both_languages() {
    let mut command = crate::engine::serve();
    let output = command.env("IVR1357__MEDIA__CODECS", "opus,PCMA").output().expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("media.codecs") && told.contains("IVR1357__MEDIA__CODECS"), "{told}");
    assert!(told.contains("opus 없이 만들어졌습니다") && told.contains("built without opus"), "{told}");
    assert!(told.contains("--features opus"), "{told}");
}

#[cfg(feature = "opus")]
mod built_with_it {
    use crate::capture::{Pcap, RAW, prompt};
    use crate::engine::{Engine, folder};
    use crate::line::Line;
    use crate::patient::patiently;
    use ivr1357::hearing::{CLIPPED_MS, Choice, Judgement, capture, judge_capture};
    use ivr1357::media::Form;
    use ivr1357::media::codec::Encoder;
    use ivr1357::sdp::Codec;
    use std::net::{SocketAddr, UdpSocket};
    use std::time::Duration;

    const OPUS: &str = "RTP/AVP 96 8 97 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxplaybackrate=16000;useinbandfec=1\r\n\
        a=rtpmap:97 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n";

    const ALAW: &str = "RTP/AVP 8 97 101\r\na=rtpmap:97 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n";

    /// A caller's telephone, with what it heard.
    struct Phone {
        line: Line,
        sound: UdpSocket,
        engine: SocketAddr,
        tag: String,
        heard: Pcap,
        packets: u64,
        sequence: u16,
        timestamp: u32,
    }

    impl Phone {
        /// Calls, offering this.
        fn call(to: SocketAddr, offer: &str) -> (Self, String) {
            let mut line = Line::udp(to);
            let sound = UdpSocket::bind("127.0.0.1:0").expect("a port");
            sound.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
            let sdp = sdp(&sound, offer);
            line.send(line.request("INVITE", "opus", 1, "", &sdp).as_bytes()).expect("sends");
            let answer = line.wait_for("SIP/2.0 200 ");
            let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
            let tag = format!(";tag={}", tag.expect("a tag").1);
            line.send(line.request("ACK", "opus", 1, &tag, "").as_bytes()).expect("sends");
            let port = answer.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok());
            let engine = SocketAddr::new(to.ip(), port.expect("a port"));
            let (heard, sequence, timestamp) = (Pcap::new(RAW), 0, 9000);
            (Self { line, sound, engine, tag, heard, packets: 0, sequence, timestamp }, answer)
        }

        /// Offers anew in the middle of the call; the answer.
        fn offers(&mut self, cseq: u32, offer: &str) -> String {
            let sdp = sdp(&self.sound, offer);
            self.line.send(self.line.request("INVITE", "opus", cseq, &self.tag, &sdp).as_bytes()).expect("sends");
            let answer = self.line.wait_for("SIP/2.0 200 ");
            self.line.send(self.line.request("ACK", "opus", cseq, &self.tag, "").as_bytes()).expect("sends");
            answer
        }

        /// The next packet: its payload type, its time stamp, its payload.
        fn hear(&mut self) -> (u8, u32, Vec<u8>) {
            let mut packet = [0; 2048];
            let length = patiently(|| self.sound.recv(&mut packet)).expect("the engine sounds");
            let (engine, telephone) =
                (SocketAddr::from(([192, 0, 2, 1], 20_000)), SocketAddr::from(([192, 0, 2, 9], 4000)));
            self.heard.udp(self.packets * 20_000, engine, telephone, &packet[..length]);
            self.packets += 1;
            let timestamp = u32::from_be_bytes(packet[4..8].try_into().expect("four bytes"));
            (packet[1] & 0x7f, timestamp, packet[12..length].to_vec())
        }

        fn say(&mut self, kind: u8, payload: &[u8]) {
            self.sequence += 1;
            let mut packet = vec![0x80, kind];
            packet.extend(self.sequence.to_be_bytes());
            packet.extend(self.timestamp.to_be_bytes());
            packet.extend(7u32.to_be_bytes());
            packet.extend(payload);
            self.sound.send_to(&packet, self.engine).expect("sends");
        }

        /// A key, as an event at 48 kHz.
        fn press(&mut self, event: u8) {
            for (duration, end) in [(960u16, 0u8), (1920, 0), (2880, 0x80), (2880, 0x80)] {
                let [high, low] = duration.to_be_bytes();
                self.say(97, &[event, end | 10, high, low]);
            }
        }

        fn judged(&self, prompts: &[&str]) -> Judgement {
            let expected: Vec<_> = prompts.iter().map(|name| prompt(name)).collect();
            let choice = Choice { payloads: vec![(96, Codec::Opus)], ..Choice::default() };
            let capture = capture::read(self.heard.bytes()).expect("a capture");
            judge_capture(&capture, &choice, &expected, true, &mut |_, _| {}).expect("sound")
        }

        fn hang_up(mut self, cseq: u32) {
            self.line.send(self.line.request("BYE", "opus", cseq, &self.tag, "").as_bytes()).expect("sends");
            self.line.wait_for("SIP/2.0 200 ");
        }
    }

    fn sdp(sound: &UdpSocket, offer: &str) -> String {
        let port = sound.local_addr().expect("bound").port();
        format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} {offer}")
    }

    fn start(name: &str) -> Engine {
        Engine::start_with(folder(name), &[("MEDIA__CODECS", "opus,PCMA")])
    }

    #[test]
    fn a_caller_hears_the_greeting_from_its_first_syllable_and_its_keys_count() {
        let mut engine = start("opus-call");
        let (mut phone, answer) = Phone::call(engine.address, OPUS);
        assert!(answer.contains(" RTP/AVP 96 97\r\n") && answer.contains("a=rtpmap:96 opus/48000/2\r\n"), "{answer}");
        let mut voice = Encoder::default();
        let mut packet = [0; 300];
        let mut before: Option<u32> = None;
        // As long as the greeting sounds, and a little of what follows; the caller speaks meanwhile.
        for at in 0..prompt("greeting").samples.len() / 160 + 60 {
            let (kind, timestamp, payload) = phone.hear();
            assert!(kind == 96 && !payload.is_empty() && payload.len() < 300);
            // A busy machine may make the engine late; then the time stamp says by how much.
            assert!(before.is_none_or(|before| timestamp.wrapping_sub(before) % 960 == 0));
            before = Some(timestamp);
            let wave = |n: usize| ((n as f64 * 0.3).sin() * 3000.0) as i16;
            let samples: Vec<i16> = (at * 160..(at + 1) * 160).map(wave).collect();
            let length = voice.encode(Form::of(Codec::Opus), &samples, &mut packet);
            phone.say(96, &packet[..length]);
            phone.timestamp += 960;
        }
        let judgement = phone.judged(&["greeting"]);
        let found = judgement.found.first().unwrap_or_else(|| panic!("nothing: {judgement:#?}"));
        println!("the greeting in Opus: {found:?}");
        assert!(judgement.missing.is_empty() && found.clipped_ms < CLIPPED_MS && found.correlation > 0.95, "{found:?}");
        phone.press(1);
        (0..20).for_each(|_| _ = phone.hear());

        // In A-law from now on, and back: the call goes on in each.
        for (cseq, offer, kind) in [(2, ALAW, 8), (3, OPUS, 96)] {
            phone.offers(cseq, offer);
            let last = (0..50).map(|_| phone.hear()).skip_while(|(spoken, ..)| *spoken != kind).count();
            assert!(last > 20, "{offer}");
        }
        phone.hang_up(4);
        engine.signal("-TERM");
        let (code, log) = engine.end();
        assert_eq!(code, Some(0), "{log}");
        let record = &engine.records()[0];
        let media = &record["media"];
        assert_eq!((&media["codec"], &media["lost"]), (&"opus".into(), &0.into()), "{record}");
        assert!(media["mos_in"].is_null(), "nobody has measured it for the model: {record}");
        assert!(media["jitter_ms"].as_f64().is_some_and(|jitter| jitter < 100.0), "{record}");
        let pressed: Vec<_> = record["keys"].as_array().expect("keys").iter().map(|key| &key["keys"]).collect();
        assert_eq!(pressed, ["1"], "{record}\n{log}");
    }

    #[test]
    fn who_leaves_the_offer_to_us_is_offered_it_and_who_has_no_opus_hears_a_law() {
        let engine = start("opus-late");
        let mut line = Line::udp(engine.address);
        let invite = line.request("INVITE", "late", 1, "", "").replace("Content-Type: application/sdp\r\n", "");
        line.send(invite.as_bytes()).expect("sends");
        let offer = line.wait_for("SIP/2.0 200 ");
        assert!(offer.contains(" RTP/AVP 111 8 101 110\r\n"), "{offer}");
        let (mut phone, answer) = Phone::call(engine.address, "RTP/AVP 0 8\r\n");
        assert!(answer.contains(" RTP/AVP 8\r\n"), "{answer}");
        assert_eq!(phone.hear().0, 8);
        phone.hang_up(2);
    }
}
