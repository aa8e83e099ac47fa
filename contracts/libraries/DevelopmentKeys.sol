// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bn254} from "./Bn254.sol";

/// @title Points whose secrets are public
/// @notice Keys made from them prove anything, so they may stand on the development chain only. NAME's scalar is
/// `uint256(keccak256("OpenLedger development only: NAME")) mod r`.
library DevelopmentKeys {
    /// @dev The one chain id that takes them.
    uint256 internal constant CHAIN_ID = 31337;

    /// @notice Whether `point` is alpha·G1.
    function isAlpha1(uint256[2] memory point) internal pure returns (bool) {
        return
            point[0] == 14244036238809079205557464545340429712565565137959008672591912838707101432726 &&
            point[1] == 1301542520596212503894838921616123256156432678647823519382855179000193327277;
    }

    /// @notice Whether `point` is delta·G2.
    function isDelta2(uint256[4] memory point) internal pure returns (bool) {
        return
            Bn254.equal(
                point,
                [
                    2087289085772950098171485655786220479385084346596284786753226474500155758184,
                    14355449024278817432626836256531785584698803722977946960487981386618184580204,
                    17339383999547056112094319472785328134282924665614385296321527268699710962515,
                    17021006466515451202271882696755162955562916986329177766122189037849509345462
                ]
            );
    }

    /// @notice Whether `point` is tau·G2.
    function isTauG2(uint256[4] memory point) internal pure returns (bool) {
        return
            Bn254.equal(
                point,
                [
                    19987859454391682094764657237328156653716542965366536973636139696919174237343,
                    7372063709443445172293000051116483379901948584957706342411281774667630194162,
                    172781595879659891860142554132982789272749024824708891439256370562288912863,
                    2964367643524215304777575085074577596235141459149605632169361514054839898391
                ]
            );
    }
}
