//! Why the system refused, in the language of whoever gave the command. It says so in English alone.

use crate::routing::Language;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Errors that have no kind of their own in the standard library, by their numbers on Linux.
const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

/// The words for an error, with the system's number: searching for it finds more.
pub fn of(error: &io::Error, language: Language) -> String {
    let number = error.raw_os_error();
    match (language, korean(error.kind(), number)) {
        (Language::English, _) | (_, None) => error.to_string(),
        (Language::Korean, Some(words)) => match number {
            Some(number) => format!("{words} (os error {number})"),
            None => words.to_owned(),
        },
    }
}

/// Both, for what is told to several readers.
pub fn both(error: &io::Error) -> [String; 2] {
    [of(error, Language::Korean), of(error, Language::English)]
}

/// That a file cannot be read, and why.
pub fn unreadable(path: &Path, error: &io::Error, language: Language) -> String {
    let (path, why) = (path.display(), of(error, language));
    match language {
        Language::Korean => format!("{path} 을(를) 읽을 수 없습니다: {why}"),
        Language::English => format!("cannot read {path}: {why}"),
    }
}

/// That a file cannot be written, and why.
pub fn unwritable(path: &Path, error: &io::Error, language: Language) -> String {
    let (path, why) = (path.display(), of(error, language));
    match language {
        Language::Korean => format!("{path} 을(를) 쓸 수 없습니다: {why}"),
        Language::English => format!("cannot write {path}: {why}"),
    }
}

fn korean(kind: ErrorKind, number: Option<i32>) -> Option<&'static str> {
    Some(match (kind, number) {
        (ErrorKind::NotFound, _) => "그런 파일이나 폴더가 없습니다",
        (ErrorKind::PermissionDenied, _) => "권한이 없습니다",
        (ErrorKind::AlreadyExists, _) => "이미 있습니다",
        (ErrorKind::AddrInUse, _) => "다른 프로그램이 이미 쓰고 있습니다",
        (ErrorKind::AddrNotAvailable, _) => "이 컴퓨터에 없는 주소입니다",
        (ErrorKind::ConnectionRefused, _) => "듣고 있는 프로그램이 없습니다",
        (ErrorKind::TimedOut | ErrorKind::WouldBlock, _) => "제때 대답이 없습니다",
        (ErrorKind::StorageFull, _) => "디스크가 가득 찼습니다",
        (ErrorKind::QuotaExceeded, _) => "디스크 할당량을 다 썼습니다",
        (ErrorKind::FileTooLarge, _) => "파일이 너무 큽니다",
        (ErrorKind::ReadOnlyFilesystem, _) => "쓸 수 없게 마운트된 디스크입니다",
        (ErrorKind::IsADirectory, _) => "파일이 아니라 폴더입니다",
        (ErrorKind::NotADirectory, _) => "폴더가 아닙니다",
        (ErrorKind::OutOfMemory, _) => "메모리가 모자랍니다",
        (_, Some(EIO)) => "디스크가 읽거나 쓰지 못합니다",
        (_, Some(EMFILE | ENFILE)) => "열려 있는 파일이 너무 많습니다",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_told_in_korean_and_found_again_by_its_number() {
        const ENOSPC: i32 = 28;
        for (number, korean) in [
            (2, "그런 파일이나 폴더가 없습니다 (os error 2)"),
            (13, "권한이 없습니다 (os error 13)"),
            (EMFILE, "열려 있는 파일이 너무 많습니다 (os error 24)"),
            (ENOSPC, "디스크가 가득 찼습니다 (os error 28)"),
            (98, "다른 프로그램이 이미 쓰고 있습니다 (os error 98)"),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(both(&error), [korean.to_owned(), error.to_string()]);
        }
        assert_eq!(of(&ErrorKind::NotFound.into(), Language::Korean), "그런 파일이나 폴더가 없습니다");
        assert_eq!(of(&io::Error::other("odd"), Language::Korean), "odd", "rather English than nothing");
    }

    #[test]
    fn a_file_is_named_with_what_it_refuses() {
        let error = std::fs::read("/nowhere/file").expect_err("no such folder");
        let path = Path::new("/nowhere/file");
        assert_eq!(
            unreadable(path, &error, Language::Korean),
            "/nowhere/file 을(를) 읽을 수 없습니다: 그런 파일이나 폴더가 없습니다 (os error 2)"
        );
        assert!(unwritable(path, &error, Language::English).starts_with("cannot write /nowhere/file: No such file"));
    }
}
