// TCP sockets that never block for longer than they are told. The other file of unsafe code is TLSConnection.swift.
//
// Invariants: a descriptor is closed exactly once, by its `Socket` or `Listener`; addresses come from getaddrinfo and are
// given on with the length that it gave, before they are freed; buffers are locals lent for one call.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif
internal import Synchronization

/// A moment after which nothing is waited for any more.
package struct Deadline {
    let seconds: Double
    private let moment: ContinuousClock.Instant

    package init(_ seconds: Double) {
        self.seconds = seconds
        moment = .now + .seconds(seconds)
    }

    /// For `poll`; at least 0.
    var milliseconds: Int32 {
        Int32(max(0, min(1e6, ((moment - ContinuousClock.now) / .milliseconds(1)).rounded(.up))))
    }
}

/// `HOST:PORT`; an IPv6 address stands in brackets.
public struct NetworkAddress: Equatable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: UInt16

    /// nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            return nil
        }
        self.host = String(host)
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Calls `body` with a socket for each of the host's addresses, until one gives something.
    fileprivate func withSockets<R>(
        isPassive: Bool, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> R?
    ) throws(PeerError) -> R {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV | (isPassive ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0, let first = unsafe list else {
            throw .connection(peer: description, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(first) }
        var reason = "it has no address"
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let entry = unsafe next {
            unsafe next = entry.pointee.ai_next
            guard let address = unsafe entry.pointee.ai_addr else { continue }
            let descriptor = unsafe socket(entry.pointee.ai_family, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
            if let result = unsafe body(descriptor, address, entry.pointee.ai_addrlen) { return result }
            reason = unsafe String(cString: strerror(errno))
            close(descriptor)
        }
        throw .connection(peer: description, reason: reason)
    }
}

/// A connected TCP socket. Its descriptor does not block.
package final class Socket: Sendable {
    let descriptor: Int32
    let name: String
    private let isOpen = Mutex(true)

    fileprivate init(_ descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        var on: Int32 = 1
        // Pieces are small and awaited one by one.
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close() }

    /// - Throws: `PeerError.connection`, `.silence`.
    package static func reaching(_ address: NetworkAddress, within seconds: Double) throws(PeerError) -> Socket {
        let deadline = Deadline(seconds)
        return try unsafe address.withSockets(isPassive: false) { descriptor, place, length in
            if unsafe Self.system(descriptor, place, length) == 0 { return Socket(descriptor, name: "\(address)") }
            guard errno == EINPROGRESS else { return nil }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&entry, 1, deadline.milliseconds) == 1 else {
                errno = ETIMEDOUT
                return nil
            }
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
                errno = code
                return nil
            }
            return Socket(descriptor, name: "\(address)")
        }
    }

    private static func system(_ descriptor: Int32, _ place: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
        #if canImport(Glibc)
            unsafe Glibc.connect(descriptor, place, length)
        #elseif canImport(Darwin)
            unsafe Darwin.connect(descriptor, place, length)
        #else
            unsafe Android.connect(descriptor, place, length)
        #endif
    }

    /// - Throws: `PeerError.silence` when the deadline has passed.
    func wait(forWriting: Bool, _ deadline: Deadline) throws(PeerError) {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0)
            let count = unsafe poll(&entry, 1, deadline.milliseconds)
            if count > 0 { return }
            if count < 0, errno == EINTR { continue }
            throw .silence(peer: name, seconds: deadline.seconds)
        }
    }

    /// Once is enough; more often does no harm.
    package func close() {
        isOpen.withLock { isOpen in
            if isOpen { closeDescriptor(descriptor) }
            isOpen = false
        }
    }

    /// Bytes that are sent as they are; for tests of what peers may try.
    package func sendPlain(_ bytes: [UInt8]) { _ = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }

/// A TCP socket that takes connections.
package final class Listener: Sendable {
    package let port: UInt16
    private let descriptor: Int32

    /// - Parameter address: port 0 takes any free one.
    /// - Throws: `PeerError.connection`.
    package init(_ address: NetworkAddress) throws(PeerError) {
        (descriptor, port) = try unsafe address.withSockets(isPassive: true) { descriptor, place, length in
            var on: Int32 = 1
            _ = unsafe setsockopt(
                descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            guard unsafe bind(descriptor, place, length) == 0, listen(descriptor, 16) == 0 else { return nil }
            var name = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let isKnown = unsafe withUnsafeMutablePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(descriptor, $0, &size) == 0
                }
            }
            guard isKnown else { return nil }
            // The port lies at the same place in both kinds of internet address.
            let port = unsafe withUnsafeBytes(of: &name) { unsafe UInt16($0[2]) << 8 | UInt16($0[3]) }
            return (descriptor, port)
        }
    }

    deinit { closeDescriptor(descriptor) }

    /// The next connection; nil when none has come within `seconds`.
    package func accept(within seconds: Double) -> Socket? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, Deadline(seconds).milliseconds) == 1 else { return nil }
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let taken = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Self.system(descriptor, $0, &size)
            }
        }
        guard taken >= 0 else { return nil }
        _ = fcntl(taken, F_SETFD, FD_CLOEXEC)
        _ = fcntl(taken, F_SETFL, fcntl(taken, F_GETFL) | O_NONBLOCK)
        return Socket(taken, name: Self.name(&storage, size))
    }

    private static func system(
        _ descriptor: Int32, _ place: UnsafeMutablePointer<sockaddr>, _ size: inout socklen_t
    ) -> Int32 {
        #if canImport(Glibc)
            unsafe Glibc.accept(descriptor, place, &size)
        #elseif canImport(Darwin)
            unsafe Darwin.accept(descriptor, place, &size)
        #else
            unsafe Android.accept(descriptor, place, &size)
        #endif
    }

    /// The peer's address in digits.
    private static func name(_ storage: inout sockaddr_storage, _ size: socklen_t) -> String {
        var host = [CChar](repeating: 0, count: 256)
        var service = [CChar](repeating: 0, count: 32)
        let code = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getnameinfo(
                    $0, size, &host, socklen_t(host.count), &service, socklen_t(service.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        guard code == 0 else { return "a peer" }
        func text(_ characters: [CChar]) -> String {
            String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return "\(text(host)):\(text(service))"
    }
}
