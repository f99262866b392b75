import Digest
import Foundation
import Testing

struct JSONValueTests {
    // RFC 8785, appendix B: IEEE 754 bits and the ECMAScript text.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func `numbers are written as ECMAScript does`(bits: UInt64, text: String) {
        #expect(JSONValue.number(Double(bitPattern: bits)).canonicalString == text)
    }

    @Test func `the example of RFC 8785 comes out byte for byte`() throws {
        let input = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let expected =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
            + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(try JSONValue.parse(input).canonicalString == expected)
    }

    @Test func `members are sorted by UTF-16 code units`() throws {
        let input = #"""
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
             "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
            """#
        let text = try JSONValue.parse(input).canonicalString
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
        let places = order.compactMap { text.range(of: $0)?.lowerBound }
        #expect(places.count == order.count)
        #expect(places == places.sorted())
    }

    @Test(arguments: [
        ("", JSONError.unexpectedEnd(offset: 0)),
        ("{", .unexpectedEnd(offset: 1)),
        ("[1,]", .unexpectedByte(offset: 3, found: 0x5d, expected: "a value")),
        ("[1 2]", .unexpectedByte(offset: 3, found: 0x32, expected: "\",\" or \"]\"")),
        ("{\"a\":1,}", .unexpectedByte(offset: 7, found: 0x7d, expected: "a member's name")),
        ("{\"a\":1,\"a\":2}", .duplicateKey(offset: 7, key: "a")),
        ("{\"a\":1,\"\\u0061\":2}", .duplicateKey(offset: 7, key: "a")),
        ("1 1", .trailingBytes(offset: 2)),
        ("01", .trailingBytes(offset: 1)),
        ("+1", .unexpectedByte(offset: 0, found: 0x2b, expected: "a value")),
        ("1.", .unexpectedEnd(offset: 2)),
        ("-", .unexpectedEnd(offset: 1)),
        ("1e999", .numberOutOfRange(offset: 0)),
        ("NaN", .unexpectedByte(offset: 0, found: 0x4e, expected: "a value")),
        ("\"\\ud800\"", .loneSurrogate(offset: 1)),
        ("\"\\udc00\"", .loneSurrogate(offset: 1)),
        ("\"\\ud800\\u0041\"", .loneSurrogate(offset: 1)),
        ("\"\\x\"", .invalidEscape(offset: 1)),
        ("\"\\u12g4\"", .invalidEscape(offset: 5)),
        ("\"\n\"", .unexpectedByte(offset: 1, found: 0x0a, expected: "an escaped control character")),
        ("\u{feff}1", .unexpectedByte(offset: 0, found: 0xef, expected: "a value")),
    ])
    func `loose JSON is refused where it goes wrong`(text: String, error: JSONError) {
        #expect(throws: error) { try JSONValue.parse(text) }
    }

    @Test(arguments: [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]] as [[UInt8]])
    func `strings that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: JSONError.invalidUTF8(offset: 1)) { try JSONValue.parse(bytes) }
    }

    @Test func `nesting is limited`() throws {
        let fits = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try JSONValue.parse(fits)
        #expect(throws: JSONError.tooDeep(offset: 64, limit: 64)) { try JSONValue.parse("[" + fits + "]") }
        #expect(throws: JSONError.tooDeep(offset: 64, limit: 64)) {
            try JSONValue.parse(String(repeating: "[", count: 1_000_000))
        }
    }

    @Test
    func `a run of combining marks that would take minutes to compare is refused where names are, and text may be`()
        throws
    {
        let fits = "a" + String(repeating: "\u{301}\u{323}", count: 512)
        let long = fits + "\u{301}"
        #expect(try JSONValue.parse("[\"\(fits)b\(fits)\"]")[0]?.asString == fits + "b" + fits)
        #expect(throws: JSONError.tooManyMarks(offset: 2)) { try JSONValue.parse("[\"\(long)\"]") }
        #expect(try JSONValue.parse(Array("[\"\(long)\"]".utf8), takesAnyText: true)[0]?.asString == long)
        #expect(throws: JSONError.tooManyMarks(offset: 2)) {
            try JSONValue.parse(Array("{\"\(long)\":1}".utf8), takesAnyText: true)
        }
    }

    @Test func `integers are exact to 2^53 and strings beyond`() throws {
        #expect(try JSONValue.parse("9007199254740991") == .integer(9_007_199_254_740_991))
        #expect(JSONValue.exactly(9_007_199_254_740_991) == .integer(9_007_199_254_740_991))
        #expect(JSONValue.exactly(9_007_199_254_740_992) == .string("9007199254740992"))
        #expect(JSONValue.exactly(UInt64.max) == .string("18446744073709551615"))
        #expect(try JSONValue.parse("-0").canonicalString == "0")
        #expect(JSONValue.number(1) == .integer(1))
    }

    @Test func `two spellings of one letter are two values`() {
        #expect(JSONValue.string("\u{e9}") != .string("e\u{301}"))
    }

    @Test func `random values survive both writers`() throws {
        var random = CounterRandom(seed: 3, purpose: "json")
        for _ in 0..<300 {
            let value = Self.value(&random, depth: 0)
            #expect(try JSONValue.parse(value.canonicalBytes) == value)
            #expect(try JSONValue.parse(value.prettyBytes).canonicalBytes == value.canonicalBytes)
        }
    }

    @Test func `mutated texts give a value or a typed error`() {
        var random = CounterRandom(seed: 4, purpose: "json fuzz")
        let seed = Array(#"{"a":[1,-2.5e-3,"x\u00e9\ud83d\ude00",true,null],"b":{"c":""}}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...random.nextInt(below: 3) {
                bytes[random.nextInt(below: bytes.count)] = UInt8(random.nextInt(below: 256))
            }
            if let value = try? JSONValue.parse(bytes) {
                #expect((try? JSONValue.parse(value.canonicalBytes)) == value)
            }
        }
    }

    @Test func `people read indented JSON`() {
        let value: JSONValue = ["b": [1, 2.5], "a": [:], "c": []]
        #expect(value.prettyString == "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2.5\n  ],\n  \"c\": []\n}\n")
    }

    private static func value(_ random: inout CounterRandom, depth: Int) -> JSONValue {
        switch random.nextInt(below: depth > 3 ? 5 : 7) {
        case 0: return .null
        case 1: return .bool(random.nextInt(below: 2) == 0)
        case 2: return .integer(Int64(random.nextInt(below: 1 << 53)) - (1 << 52))
        case 3:
            let number = Double(bitPattern: random.nextUInt64())
            return .number(number.isFinite ? number : 0.5)
        case 4: return .string(text(&random))
        case 5: return .array((0..<random.nextInt(below: 5)).map { _ in value(&random, depth: depth + 1) })
        default:
            var members: [String: JSONValue] = [:]
            for _ in 0..<random.nextInt(below: 5) { members[text(&random)] = value(&random, depth: depth + 1) }
            return .object(members)
        }
    }

    private static func text(_ random: inout CounterRandom) -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<random.nextInt(below: 8) {
            let limit = random.nextInt(below: 2) == 0 ? 0x80 : 0x11_0000
            if let scalar = Unicode.Scalar(UInt32(random.nextInt(below: limit))) { scalars.append(scalar) }
        }
        return String(scalars)
    }
}
