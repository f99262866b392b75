import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Answers HTTP requests on 127.0.0.1, one connection at a time, as a closure says.
public final class LoopbackServer: Sendable {
    public struct Answer: Sendable {
        public var head: [String]
        public var body: [UInt8]
        /// Whether the connection ends before the head does.
        public var breaksInHead = false

        public init(head: [String], body: [UInt8] = []) {
            self.head = head
            self.body = body
        }
    }

    public let port: UInt16
    private let listener: Int32
    private let seen = Mutex<[String]>([])

    /// Heads of the requests so far.
    public var requests: [String] { seen.withLock { $0 } }

    public init(_ answer: @escaping @Sendable (String) -> Answer) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard listener >= 0, isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                var head: [UInt8] = []
                var byte: UInt8 = 0
                while !head.suffix(4).elementsEqual("\r\n\r\n".utf8), recv(connection, &byte, 1, 0) == 1 {
                    head.append(byte)
                }
                let text = String(decoding: head, as: UTF8.self)
                self?.seen.withLock { $0.append(text) }
                let reply = answer(text)
                let end = reply.breaksInHead ? "\r\nConnec" : "\r\nConnection: close\r\n\r\n"
                let bytes = Array((reply.head.joined(separator: "\r\n") + end).utf8) + reply.body
                var sent = 0
                while sent < bytes.count {
                    let count = bytes[sent...].withUnsafeBytes {
                        send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { break }
                    sent += count
                }
                close(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// A server with ranges; `breakAfter` bytes into the first answer it hangs up.
    public static func serving(_ content: [UInt8], breakAfter: Int? = nil, ranges: Bool = true) throws -> LoopbackServer
    {
        let first = FirstTime()
        return try LoopbackServer { request in
            let line = request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("range: bytes=") }
            let start = line.flatMap { Int($0.dropFirst(13).dropLast()) } ?? 0
            let cut = first.take() ? breakAfter : nil
            guard ranges, line != nil else {
                return Answer(
                    head: ["HTTP/1.1 200 OK", "ETag: \"one\"", "Content-Length: \(content.count)"],
                    body: Array(content.prefix(cut ?? content.count)))
            }
            guard start < content.count else {
                return Answer(head: ["HTTP/1.1 416 Range Not Satisfiable", "Content-Length: 0"])
            }
            return Answer(
                head: [
                    "HTTP/1.1 206 Partial Content", "ETag: \"one\"", "Content-Length: \(content.count - start)",
                    "Content-Range: bytes \(start)-\(content.count - 1)/\(content.count)",
                ], body: Array(content[start...]))
        }
    }
}

/// True once.
private final class FirstTime: Sendable {
    private let flag = Mutex(true)
    func take() -> Bool {
        flag.withLock { value in
            defer { value = false }
            return value
        }
    }
}
