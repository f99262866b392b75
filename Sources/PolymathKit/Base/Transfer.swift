// One HTTP request, streamed into an open file.

import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

final class Transfer: NSObject, URLSessionDataDelegate, Sendable {
    /// How a request ended.
    enum End: Equatable, Sendable {
        case complete
        case status(Int)
        /// The server's file has another length than the catalogue's.
        case wrongLength(Int)
        case noResponse(String)
        case broken(received: Int, reason: String)
        case cannotWrite(String)
    }

    private struct State {
        let handle: FileHandle
        var received: Int
        var hasResponse = false
        var end: End?
    }

    private let state: Mutex<State>
    private let start: Int
    private let total: Int
    private let note: PartNote
    private let progress: (@Sendable (Int, Int) -> Void)?
    private let finished = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - start: bytes that the file has already, to be gone on from.
    ///   - total: bytes it should have in the end.
    ///   - note: where the entity tag is kept, so that a later request can ask for the same file.
    init(
        handle: sending FileHandle, start: Int, total: Int, note: PartNote, progress: (@Sendable (Int, Int) -> Void)?
    ) {
        state = Mutex(State(handle: handle, received: start))
        self.start = start
        self.total = total
        self.note = note
        self.progress = progress
    }

    /// Sends the request and waits for its end.
    func run(url: URL, tag: String?, idleTimeout: Double) -> End {
        var request = URLRequest(url: url)
        request.timeoutInterval = idleTimeout
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if start > 0 {
            request.setValue("bytes=\(start)-", forHTTPHeaderField: "Range")
            if let tag, !tag.isEmpty { request.setValue(tag, forHTTPHeaderField: "If-Range") }
        }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = idleTimeout
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 1
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: queue)
        session.dataTask(with: request).resume()
        finished.wait()
        session.invalidateAndCancel()
        return state.withLock { $0.end ?? .noResponse("the request was dropped") }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let goesOn = state.withLock { state -> Bool in
            state.hasResponse = true
            state.end = begin(response, &state)
            return state.end == nil
        }
        completionHandler(goesOn ? .allow : .cancel)
    }

    /// Places the file for what the response brings; an end when it brings the wrong thing.
    private func begin(_ response: URLResponse, _ state: inout State) -> End? {
        guard let response = response as? HTTPURLResponse else { return .noResponse("the answer is not HTTP") }
        do {
            switch response.statusCode {
            case 206:
                let range = Self.contentRange(response.value(forHTTPHeaderField: "Content-Range"))
                guard let range, range.start == start else { return .status(206) }
                if let length = range.total, length != total { return .wrongLength(length) }
                try state.handle.seek(toOffset: UInt64(start))
            case 200:
                // The whole file, whether or not a part was asked for.
                if response.expectedContentLength >= 0, response.expectedContentLength != Int64(total) {
                    return .wrongLength(Int(response.expectedContentLength))
                }
                try state.handle.truncate(atOffset: 0)
                state.received = 0
            case let code:
                return .status(code)
            }
        } catch {
            return .cannotWrite("\(error.localizedDescription)")
        }
        // Only a strong tag may go into If-Range.
        let tag = response.value(forHTTPHeaderField: "ETag")
        let isStrong = tag.map { $0.hasPrefix("\"") && $0.utf8.count < 1000 } ?? false
        try? note.write(tag: isStrong ? tag : nil)
        return nil
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let received = state.withLock { state -> Int? in
            guard state.end == nil else { return nil }
            guard data.count <= total - state.received else {
                state.end = .wrongLength(state.received + data.count)
                return nil
            }
            do {
                try state.handle.write(contentsOf: data)
            } catch {
                state.end = .cannotWrite("\(error.localizedDescription)")
                return nil
            }
            state.received += data.count
            return state.received
        }
        if let received { progress?(received, total) } else { dataTask.cancel() }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        state.withLock { state in
            if state.end == nil {
                let reason = error.map(Self.reason) ?? "the server sent no more"
                state.end =
                    state.hasResponse
                    ? (state.received == total ? .complete : .broken(received: state.received, reason: reason))
                    : .noResponse(reason)
            }
        }
        finished.signal()
    }

    private static func reason(_ error: any Error) -> String {
        switch (error as? URLError)?.code {
        case .timedOut: return "nothing came for too long"
        case .badURL, .unsupportedURL: return "the address leads to no server"
        case .httpTooManyRedirects, .redirectToNonExistentLocation: return "it was sent on and on, or to no address"
        default: break
        }
        let error = error as NSError
        let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
        return cause.localizedDescription
    }

    /// `bytes 100-199/1000` as start and total (nil for `*`).
    static func contentRange(_ text: String?) -> (start: Int, total: Int?)? {
        guard let text, text.hasPrefix("bytes ") else { return nil }
        let halves = text.dropFirst(6).split(separator: "/")
        guard halves.count == 2, let dash = halves[0].firstIndex(of: "-"), let start = Int(halves[0][..<dash]) else {
            return nil
        }
        return (start, Int(halves[1]))
    }
}
