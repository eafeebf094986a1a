//! The binary: it says where it listens, and there it answers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Ends the server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_binary_says_where_it_listens_and_answers_there() {
    let child = Command::new(env!("CARGO_BIN_EXE_simulated-aws"))
        .args(["--size", "S", "--port", "0", "--no-limits"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (said, address) = line.trim().split_once(" at http://").unwrap();
    assert_eq!(said, "20 services and 60 tasks");
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=any/20261120/eu-west-1/sts/aws4_request, Signature=any\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<Account>111122223333</Account>"), "{answer}");
}
