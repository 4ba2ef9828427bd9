//! A table of a thousand rows, for the benchmarks.

use std::fmt::Write;

const MENUS: usize = 500;
const CENTRES: usize = 450;

/// Menus in a tree of eight keys each, every one with a centre; with numbers, hours and notices 1,000 rows.
pub fn table() -> String {
    let mut text = String::from(
        "schema = 1\nprofile = \"kr-ars-2009\"\n[defaults.menu]\nno_input = { then = \"center.c0\" }\nno_match = { then = \"center.c0\" }\n\
         keys = { \"0\" = \"center.c0\", \"#\" = \"back\", \"*\" = \"repeat\" }\n[defaults.transfer]\n\
         ladder = [\"refer\", \"next-target\", \"center.c0\", \"notice.busy\"]\ngive_up = \"notice.bye\"\n[notice]\n\
         busy = { prompt = \"busy\", then = \"menu.m0\" }\nbye = { prompt = \"goodbye\", then = \"end\" }\n[hours]\n",
    );
    for hours in 0..28 {
        let _ = writeln!(text, "h{hours} = [\"월-금 09:00-12:00, 13:00-18:00\", \"휴일 10:00-12:00\"]");
    }
    for number in 0..20 {
        let _ = writeln!(
            text,
            "[number.n{number}]\nmatch = [\"1357{number:02}\", \"02-2104-{number:02}xx\"]\ngo = \"menu.m0\"\n\
             when = [{{ outside = \"hours.h{number}\", go = \"notice.bye\" }}]"
        );
    }
    for menu in 0..MENUS {
        let _ = writeln!(
            text,
            "[menu.m{menu}]\nprompt = \"menu_main\"\n1 = {{ say = \"상담\", go = \"center.c{}\" }}",
            menu % CENTRES
        );
        for key in 2..=8 {
            let child = menu * 7 + key - 1;
            if child < MENUS {
                let _ = writeln!(text, "{key} = {{ say = \"창업\", go = \"menu.m{child}\" }}");
            }
        }
    }
    text.push_str("[center]\n");
    for centre in 0..CENTRES {
        let hours = centre % 28;
        let _ = writeln!(
            text,
            "c{centre} = {{ name = \"기관 {centre}\", sip = [\"sip:a{centre}@h.example\", \"sip:b{centre}@h.example\"], hours = \"hours.h{hours}\", closed = \"notice.bye\" }}"
        );
    }
    text
}
