import Digest
import Testing

struct MerkleTreeTests {
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].compactMap(Hex.decode)

    // The reference leaves and roots of Certificate Transparency.
    @Test(arguments: [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ])
    func `roots match RFC 6962's reference`(count: Int, root: String) {
        #expect(MerkleTree.root(leaves: Array(Self.leaves.prefix(count))).hex == root)
    }

    // Leaves "leaf 0", "leaf 1" …; roots by `python3 Integrations/interop/seal.py --vectors`, which shares no code with us.
    @Test(arguments: [
        (1, "1bb97dcc21635d47e2663efdfd0a174686d98dd701352dd2cd06e8b43fd3d305"),
        (2, "fc5f6b88ff8554f75bb2f9e6f39c31b1936d44b69276edf7b1205a955b9761e3"),
        (3, "d4f92c8fbb89720eb3b55677c7d7efaddfeb10d11a1a84a0ba8f1a23337faa95"),
        (7, "5a61fc2b54f9cfa71774f2432143dd40c6cb2b11947faf65a7d3da5cb65199c8"),
    ])
    func `roots match another implementation`(count: Int, root: String) {
        #expect(MerkleTree.root(leaves: (0..<count).map { Array("leaf \($0)".utf8) }).hex == root)
    }

    @Test func `any changed, moved or missing leaf changes the root`() {
        let root = MerkleTree.root(leaves: Self.leaves)
        for index in Self.leaves.indices {
            var changed = Self.leaves
            changed[index].append(1)
            #expect(MerkleTree.root(leaves: changed) != root)
            var shorter = Self.leaves
            shorter.remove(at: index)
            #expect(MerkleTree.root(leaves: shorter) != root)
            var swapped = Self.leaves
            swapped.swapAt(index, (index + 1) % swapped.count)
            #expect(MerkleTree.root(leaves: swapped) != root)
        }
    }
}
