import Digest

extension Catalog {
    /// The catalogue of a home that has none: the text of this repository's `Checkpoints/catalog.json`
    /// (a test holds the two together).
    public static let builtIn: Catalog = {
        let text = """
            {
              "version": 1,
              "bases": [
                {
                  "name": "nano",
                  "title": "nano, 6.8 M parameters, Q4_K_M: the small base that comes with this repository",
                  "architecture": "qwen2",
                  "file": "nano-q4_k_m.gguf",
                  "licence": "CC0-1.0",
                  "source": null,
                  "bytes": 4796096,
                  "sha256": "18ea6676db67e820c25ebd3a4d93e1a60eff59d85fdf16bded6fc5f418857bea",
                  "root": "060113d1451aad460dc3f3234937beca1c58a9097c66bdd70edd64dd1f0cb0e9"
                },
                {
                  "name": "nano-f16",
                  "title": "nano, 6.8 M parameters, F16",
                  "architecture": "qwen2",
                  "file": "nano-f16.gguf",
                  "licence": "CC0-1.0",
                  "source": null,
                  "bytes": 13934752,
                  "sha256": "a4b106e54716baf7b0baa2ae68a10a1066de55277fcf056c37d690e5ff67eb5f",
                  "root": "ff94ed4671c287c598a95580be060c8b2417534a9966c0b278148ded31e57079"
                },
                {
                  "name": "qwen-1.5b-q4",
                  "title": "Qwen2.5-1.5B-Instruct, 1.5 G parameters, Q4_K_M",
                  "architecture": "qwen2",
                  "file": "qwen2.5-1.5b-instruct-q4_k_m.gguf",
                  "licence": "Apache-2.0",
                  "source": {
                    "url": "https://huggingface.co/Qwen/Qwen2.5-1.5B-Instruct-GGUF/resolve/91cad51170dc346986eccefdc2dd33a9da36ead9/\
            qwen2.5-1.5b-instruct-q4_k_m.gguf",
                    "revision": "91cad51170dc346986eccefdc2dd33a9da36ead9"
                  },
                  "bytes": 1117320736,
                  "sha256": "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
                  "root": null
                }
              ]
            }
            """
        guard let json = try? JSONValue.parse(text), let catalog = try? Catalog(json: json, path: "built in") else {
            return Catalog(entries: [])
        }
        return catalog
    }()
}
