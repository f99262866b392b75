import Digest
import Foundation
import Testing

/// A folder of one test, gone when the test ends.
final class Folder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "polymath-digest-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let file = path + "/" + name
        #expect(
            FileManager.default.createFile(
                atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
        return file
    }
}

/// Runs a program and gives its exit status and output.
func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

let hasOpenSSL = (try? run(["openssl", "version"]).status) == 0

struct IdentityFileTests {
    @Test func `first use makes the file 0600 in a folder 0700, and later uses read it`() throws {
        let folder = try Folder()
        let path = folder.path + "/config/polymath/identity.pem"
        let made = try Identity.loadOrCreate(path: path)
        #expect(try folder.mode("config/polymath/identity.pem") == 0o600)
        #expect(try folder.mode("config/polymath") == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/config/polymath").count == 1)
        #expect(try Identity.loadOrCreate(path: path).publicKey == made.publicKey)
        #expect(try Identity.load(path: path).publicKey == made.publicKey)
    }

    @Test func `many at once end with one identity`() async throws {
        let folder = try Folder()
        let path = folder.path + "/polymath/identity.pem"
        let keys = try await withThrowingTaskGroup(of: PublicKey.self) { group in
            for _ in 0..<16 { group.addTask { try Identity.loadOrCreate(path: path).publicKey } }
            return try await group.reduce(into: Set<PublicKey>()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
    }

    @Test func `the default place follows XDG and then the home folder`() {
        #expect(
            Identity.defaultPath(environment: ["XDG_CONFIG_HOME": "/x", "HOME": "/h"]) == "/x/polymath/identity.pem")
        #expect(Identity.defaultPath(environment: ["HOME": "/h"]) == "/h/.config/polymath/identity.pem")
        #expect(
            Identity.defaultPath(environment: ["XDG_CONFIG_HOME": "", "HOME": "/h"])
                == "/h/.config/polymath/identity.pem")
        #expect(Identity.defaultPath(environment: [:]) == nil)
    }

    @Test func `files of another kind are refused by name`() throws {
        let folder = try Folder()
        let wrong = [
            ("", "empty"), ("hello", "no PEM block"),
            (try Identity.generate().publicKey.pem, "a public key"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "a private key under a passphrase"
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "a private key of another algorithm or form"
            ),
            (String(repeating: "x", count: 70_000), "too large for one"),
        ]
        for (text, found) in wrong {
            let path = try folder.write(text, to: UUID().uuidString)
            #expect(throws: IdentityError.notAnIdentity(path: path, found: found)) {
                try Identity.loadOrCreate(path: path)
            }
        }
        #expect(throws: IdentityError.notAnIdentity(path: folder.path, found: "no regular file")) {
            try Identity.load(path: folder.path)
        }
        let missing = folder.path + "/missing.pem"
        #expect(throws: IdentityError.cannotRead(path: missing, reason: "No such file or directory")) {
            try Identity.load(path: missing)
        }
    }

    @Test func `a file open to others is refused`() throws {
        let folder = try Folder()
        let path = try folder.write(try Identity.generate().pem, to: "open.pem", mode: 0o644)
        #expect(throws: IdentityError.tooOpen(path: path, mode: 0o644)) { try Identity.load(path: path) }
    }

    @Test func `weak keys, changed messages and changed signatures do not pass`() throws {
        let identity = try Identity.fromSeed([UInt8](repeating: 7, count: 32))
        let message = Array("message".utf8)
        let signature = try identity.sign(message)
        #expect(identity.publicKey.isValid(signature: signature, of: message))
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 1
            #expect(!identity.publicKey.isValid(signature: changed, of: message))
        }
        #expect(!identity.publicKey.isValid(signature: signature, of: message + [0]))
        #expect(!identity.publicKey.isValid(signature: Array(signature.dropLast()), of: message))
        // The neutral point as key and as R, S = 0: libcrypto alone would accept it for every message.
        let neutral: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)
        let weak = try #require(PublicKey(bytes: neutral))
        #expect(!weak.isValid(signature: neutral + [UInt8](repeating: 0, count: 32), of: message))
        #expect(identity.derivedKey(purpose: "a") != identity.derivedKey(purpose: "b"))
    }

    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"))
    func `openssl reads our keys and accepts our envelope`() throws {
        let folder = try Folder()
        let identity = try Identity.loadOrCreate(path: folder.path + "/identity.pem")
        let envelope = try DSSEEnvelope.sign(
            payloadType: DSSEEnvelope.inTotoType, payload: Array(#"{"_type":"x"}"#.utf8), by: identity)
        let message = DSSEEnvelope.preAuthenticationEncoding(type: envelope.payloadType, payload: envelope.payload)
        try Data(message).write(to: URL(fileURLWithPath: folder.path + "/pae"))
        try Data(envelope.signatures[0].bytes).write(to: URL(fileURLWithPath: folder.path + "/sig"))
        _ = try folder.write(identity.publicKey.pem, to: "public.pem")
        let verify = [
            "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder.path + "/public.pem", "-rawin", "-in",
            folder.path + "/pae", "-sigfile", folder.path + "/sig",
        ]
        #expect(try run(verify).status == 0)
        let derived = try run(["openssl", "pkey", "-in", folder.path + "/identity.pem", "-pubout"])
        #expect(derived.output == identity.publicKey.pem)
        try Data(message + [0]).write(to: URL(fileURLWithPath: folder.path + "/pae"))
        #expect(try run(verify).status != 0)
    }

    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"))
    func `a key that openssl made is read`() throws {
        let folder = try Folder()
        let path = folder.path + "/openssl.pem"
        #expect(try run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path]).status == 0)
        #expect(try run(["chmod", "600", path]).status == 0)
        let pem = try run(["openssl", "pkey", "-in", path, "-pubout"]).output
        #expect(try Identity.load(path: path).publicKey.pem == pem)
        let other = folder.path + "/rsa.pem"
        #expect(try run(["openssl", "genpkey", "-algorithm", "X25519", "-out", other]).status == 0)
        #expect(
            throws: IdentityError.notAnIdentity(path: other, found: "a private key of another algorithm or form")
        ) { try Identity.load(path: other) }
    }
}
